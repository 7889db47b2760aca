/* SPDX-License-Identifier: MIT */
/*
 * cpus.c - how much CPU this process may really use
 *
 * A bandwidth quota holds for a control group and all below it, so every
 * ancestor counts and the tightest wins.  The path in /proc/self/cgroup is
 * the host's, while the tree mounted in a container may begin at the
 * container's own group: levels that do not exist are passed over, and the
 * mount's own root is always looked at.
 */
#include "sys/cpus.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sys/fault.h"
#include "sys/io.h"

#define MAX_CPUS (1u << 20)	/* the kernel stops at 8192 */
#define NUMBER_SIZE 64		/* room for the text of a file of two numbers */

/* Reads one group's quota; @ret_file receives the file that holds it. */
typedef int quota_fn(const char *dir, char ret_file[PATH_MAX]);

/* A run of digits; moves *@text past it. */
static int take_number(const char **text, uint64_t *ret)
{
	const char *p = *text;
	uint64_t n = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned int digit = (unsigned int)(*p - '0');

		if (n > (UINT64_MAX - digit) / 10)
			return -EINVAL;
		n = n * 10 + digit;
	}
	*text = p;
	*ret = n;
	return 0;
}

static bool is_end(const char *text)
{
	return text[0] == '\0' || (text[0] == '\n' && text[1] == '\0');
}

static int milli_of(uint64_t quota, uint64_t period)
{
	uint64_t milli;

	if (quota == 0 || period == 0)
		return -EINVAL;
	if (quota > UINT64_MAX / 1000)
		return INT_MAX;
	/* Up, so that a limit never becomes 0, which is none. */
	milli = quota * 1000 / period + (quota * 1000 % period != 0);
	return milli > INT_MAX ? INT_MAX : (int)milli;
}

int weir__cpus_parse_max(const char *text)
{
	bool is_max = strncmp(text, "max", 3) == 0;
	uint64_t quota = 0;
	uint64_t period;
	int r;

	if (is_max)
		text += 3;
	else if ((r = take_number(&text, &quota)) < 0)
		return r;
	if (*text++ != ' ')
		return -EINVAL;
	r = take_number(&text, &period);
	if (r < 0)
		return r;
	if (!is_end(text))
		return -EINVAL;
	return is_max ? 0 : milli_of(quota, period);
}

int weir__cpus_parse_cfs(const char *quota, const char *period)
{
	uint64_t q;
	uint64_t p;
	int r;

	if (strncmp(quota, "-1", 2) == 0 && is_end(quota + 2))
		return 0;
	r = take_number(&quota, &q);
	if (r < 0)
		return r;
	r = take_number(&period, &p);
	if (r < 0)
		return r;
	if (!is_end(quota) || !is_end(period))
		return -EINVAL;
	return milli_of(q, p);
}

/* @dir/@name into @ret, and that file's text into @text. */
static int read_in(const char *dir, const char *name, char ret[PATH_MAX],
		   char text[NUMBER_SIZE])
{
	int n = snprintf(ret, PATH_MAX, "%s/%s", dir, name);

	if (n < 0 || n >= PATH_MAX)
		return -ENAMETOOLONG;
	return weir__read_file(ret, text, NUMBER_SIZE);
}

static int quota_v2(const char *dir, char ret_file[PATH_MAX])
{
	char text[NUMBER_SIZE];
	int r = read_in(dir, "cpu.max", ret_file, text);

	return r < 0 ? r : weir__cpus_parse_max(text);
}

static int quota_v1(const char *dir, char ret_file[PATH_MAX])
{
	char quota[NUMBER_SIZE];
	char period[NUMBER_SIZE];
	int r = read_in(dir, "cpu.cfs_period_us", ret_file, period);

	if (r >= 0)
		r = read_in(dir, "cpu.cfs_quota_us", ret_file, quota);
	return r < 0 ? r : weir__cpus_parse_cfs(quota, period);
}

/* Of a path that is too long the end tells more than the beginning. */
static void keep(struct weir__cpus *cpus, int milli, const char *file)
{
	size_t room = sizeof(cpus->quota_source) - 1;
	size_t len = strlen(file);

	cpus->quota_milli = milli;
	if (len <= room)
		memcpy(cpus->quota_source, file, len + 1);
	else
		snprintf(cpus->quota_source, sizeof(cpus->quota_source),
			 "...%s", file + len - (room - 3));
}

/* From @mount/@group up to @mount itself. */
static void climb(const char *mount, const char *group, quota_fn *quota,
		  struct weir__cpus *cpus)
{
	size_t root = strlen(mount);
	char dir[PATH_MAX];
	char file[PATH_MAX];
	char *slash;
	int n;

	/* A namespace shows a group outside its root as "/../..". */
	if (strcmp(group, "/") == 0 || strstr(group, "/.."))
		group = "";
	n = snprintf(dir, sizeof(dir), "%s%s", mount, group);
	if (n < 0 || n >= (int)sizeof(dir))
		return;
	for (;;) {
		int milli = quota(dir, file);

		if (milli > 0 &&
		    (!cpus->quota_milli || milli < cpus->quota_milli))
			keep(cpus, milli, file);
		slash = strrchr(dir + root, '/');
		if (!slash)
			return;
		*slash = '\0';
	}
}

/* Is "cpu" one of the comma-separated @names? */
static bool has_cpu(const char *names)
{
	for (;;) {
		size_t len = strcspn(names, ",");

		if (len == 3 && strncmp(names, "cpu", 3) == 0)
			return true;
		if (names[len] == '\0')
			return false;
		names += len + 1;
	}
}

/* One line of /proc/self/cgroup: "number:controllers:path". */
static void look_at(const char *root, char *line, struct weir__cpus *cpus)
{
	char *names = strchr(line, ':');
	char *group = names ? strchr(names + 1, ':') : NULL;
	char mount[PATH_MAX];

	if (!group)
		return;
	*names++ = '\0';
	*group++ = '\0';
	if (strcmp(line, "0") == 0 && *names == '\0') {
		climb(root, group, quota_v2, cpus);
		/* Where version 1 is mounted too, this is its place. */
		snprintf(mount, sizeof(mount), "%s/unified", root);
		climb(mount, group, quota_v2, cpus);
	} else if (has_cpu(names)) {
		snprintf(mount, sizeof(mount), "%s/%s", root, names);
		climb(mount, group, quota_v1, cpus);
	}
}

void weir__cpus_quota(const char *root, const char *groups,
		      struct weir__cpus *cpus)
{
	char line[PATH_MAX];

	cpus->quota_milli = 0;
	cpus->quota_source[0] = '\0';
	while (*groups) {
		size_t len = strcspn(groups, "\n");

		if (len < sizeof(line)) {
			memcpy(line, groups, len);
			line[len] = '\0';
			look_at(root, line, cpus);
		}
		groups += len + (groups[len] == '\n');
	}
}

/*
 * The kernel refuses a set smaller than its own: grow until it does not.  The
 * caller frees *ret_set, of *ret_size bytes.
 */
static int get_allowed(cpu_set_t **ret_set, size_t *ret_size)
{
	int r = -EINVAL;

	for (size_t n = CPU_SETSIZE; r == -EINVAL && n <= MAX_CPUS; n *= 2) {
		size_t size = CPU_ALLOC_SIZE(n);
		cpu_set_t *set = CPU_ALLOC(n);

		if (!set)
			return -ENOMEM;
		r = weir__fault(WEIR__CALL_AFFINITY);
		if (r == 0)
			r = (int)weir__result(sched_getaffinity(0, size, set));
		if (r == 0) {
			*ret_set = set;
			*ret_size = size;
			return 0;
		}
		CPU_FREE(set);
	}
	return r;
}

int weir__cpus_nth(int n)
{
	cpu_set_t *set;
	size_t size, cpu = 0;
	int r = get_allowed(&set, &size);

	if (r < 0)
		return r;
	n %= CPU_COUNT_S(size, set);
	while (!CPU_ISSET_S(cpu, size, set) || n-- > 0)
		cpu++;
	CPU_FREE(set);
	return (int)cpu;
}

int weir__cpus_runs(struct weir__cpu_run *ret_runs, int most)
{
	cpu_set_t *set;
	size_t size;
	int n = 0;
	int r = get_allowed(&set, &size);

	if (r < 0)
		return r;
	for (size_t cpu = 0; cpu < size * 8 && n <= most; cpu++) {
		if (!CPU_ISSET_S(cpu, size, set))
			continue;
		if (n > 0 && ret_runs[n - 1].last == (int)cpu - 1)
			ret_runs[n - 1].last = (int)cpu;
		else if (n++ < most)
			ret_runs[n - 1] = (struct weir__cpu_run){ (int)cpu,
								  (int)cpu };
	}
	CPU_FREE(set);
	return n < most ? n : most;
}

int weir__cpus_read(struct weir__cpus *ret)
{
	struct weir__cpus cpus = { .online = 1 };
	char groups[2 * PATH_MAX];
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t *set;
	size_t size;
	int r = get_allowed(&set, &size);

	if (r < 0)
		return r;
	cpus.allowed = CPU_COUNT_S(size, set);
	CPU_FREE(set);
	cpus.online = online > 0 ? (int)online : cpus.allowed;
	if (weir__read_file("/proc/self/cgroup", groups, sizeof(groups)) >= 0)
		weir__cpus_quota("/sys/fs/cgroup", groups, &cpus);
	*ret = cpus;
	return 0;
}
