/* SPDX-License-Identifier: MIT */
/*
 * pool/sizing.c - how many workers
 *
 * As many CPUs as we may really use: those of the affinity mask, and no more
 * than the control group's quota pays for.  A host's number of CPUs says
 * nothing to a container.
 */
#include <stdio.h>

#include "pool/pool.h"
#include "sys/cpus.h"

static int by_quota(const struct weir__cpus *cpus)
{
	const int whole = (cpus->quota_milli + 999) / 1000;

	if (cpus->quota_milli == 0 || whole >= cpus->allowed)
		return cpus->allowed;
	return whole;
}

int weir__pool_size(struct weir_pool *pool)
{
	const int asked = (int)pool->options.workers;
	struct weir__cpus cpus;
	char quota[128] = "no cgroup quota";
	int err = weir__cpus_read(&cpus);

	if (err < 0)
		return err;
	if (cpus.quota_milli > 0)
		snprintf(quota, sizeof(quota), "cgroup quota %d.%03d CPUs (%s)",
			 cpus.quota_milli / 1000, cpus.quota_milli % 1000,
			 cpus.quota_source);
	pool->workers = asked > 0 ? asked : by_quota(&cpus);
	pool->has_cores = pool->workers <= cpus.allowed &&
			  (cpus.quota_milli == 0 ||
			   pool->workers * 1000 <= cpus.quota_milli);
	snprintf(pool->describe, sizeof(pool->describe),
		 "%d worker%s%s: %d of %d CPUs in the affinity mask, %s",
		 pool->workers, pool->workers == 1 ? "" : "s",
		 asked > 0 ? " as asked" : "", cpus.allowed, cpus.online,
		 quota);
	return 0;
}
