/* SPDX-License-Identifier: MIT */
/*
 * sys/cpus.h - how much CPU this process may really use
 *
 * Three limits hold at once: the CPUs that are online, the affinity mask (with
 * the cpuset in it), and the bandwidth quota of the control groups.
 */
#ifndef WEIR_SYS_CPUS_H
#define WEIR_SYS_CPUS_H

struct weir__cpus {
	int online;		/* CPUs the machine has online */
	int allowed;		/* CPUs the calling thread may run on */
	int quota_milli;	/* thousandths of a CPU; 0: no limit */
	char quota_source[64];	/* the file that sets it; "" without a limit */
};

/**
 * weir__cpus_read() - read all three
 *
 * A quota that cannot be read, or makes no sense, counts as none: control
 * groups are optional, and their absence is no error.
 *
 * Return: 0, -ENOMEM or another errno of sched_getaffinity(2).
 */
int weir__cpus_read(struct weir__cpus *ret);

/**
 * weir__cpus_nth() - the n-th CPU that the calling thread may run on
 * @n: 0 .., counted round if there are fewer
 *
 * Return: its number, 0 .., -ENOMEM or another errno of sched_getaffinity(2).
 */
int weir__cpus_nth(int n);

/* CPUs that follow one another. */
struct weir__cpu_run {
	int first, last;
};

/**
 * weir__cpus_runs() - the CPUs that the calling thread may run on
 * @ret_runs: receives them, ascending
 * @most:     how many runs fit; what is beyond is left out
 *
 * Return: the number of runs, 1 .. @most, -ENOMEM or another errno of
 *         sched_getaffinity(2).
 */
int weir__cpus_runs(struct weir__cpu_run *ret_runs, int most);

/**
 * weir__cpus_quota() - the tightest quota in a tree of control groups
 * @root:     where they are mounted: "/sys/fs/cgroup"
 * @groups:   the text of /proc/self/cgroup
 * @cpus:     receives quota_milli and quota_source; the rest stays
 *
 * Looks at every ancestor, in version 2 and version 1 of the interface.  What
 * a container does not show of its host's tree cannot be seen here.
 */
void weir__cpus_quota(const char *root, const char *groups,
		      struct weir__cpus *cpus);

/**
 * weir__cpus_parse_max() - read the text of a cpu.max file
 * @text: "max 100000" or "150000 100000": microseconds, of a period's
 *
 * Return: thousandths of a CPU, rounded up; 0 for no limit; -EINVAL.
 */
int weir__cpus_parse_max(const char *text);

/**
 * weir__cpus_parse_cfs() - read version 1's two files
 * @quota:  text of cpu.cfs_quota_us, microseconds; "-1" for no limit
 * @period: text of cpu.cfs_period_us, microseconds
 *
 * Return: thousandths of a CPU, rounded up; 0 for no limit; -EINVAL.
 */
int weir__cpus_parse_cfs(const char *quota, const char *period);

#endif /* WEIR_SYS_CPUS_H */
