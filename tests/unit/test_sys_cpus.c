/* SPDX-License-Identifier: MIT */
/*
 * test_sys_cpus.c - quotas as text, and in made-up trees of control groups
 */
#include "sys/cpus.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fault.h"

#include "harness.h"

TEST(cpu_max_is_parsed)
{
	CHECK_EQ(weir__cpus_parse_max("max 100000\n"), 0);
	CHECK_EQ(weir__cpus_parse_max("max 100000"), 0);
	CHECK_EQ(weir__cpus_parse_max("100000 100000\n"), 1000);
	CHECK_EQ(weir__cpus_parse_max("250000 100000\n"), 2500);
	CHECK_EQ(weir__cpus_parse_max("1000 100000\n"), 10);
	/* Up, and never to 0. */
	CHECK_EQ(weir__cpus_parse_max("1 3"), 334);
	CHECK_EQ(weir__cpus_parse_max("1 1000000"), 1);
	/* Large numbers stay large. */
	CHECK_EQ(weir__cpus_parse_max("18446744073709551615 1"), INT_MAX);
	CHECK_EQ(weir__cpus_parse_max("18446744073709551 1"), INT_MAX);
	CHECK_EQ(weir__cpus_parse_max("18446744073709551 100000000"),
		 INT_MAX);
}

TEST(nonsense_is_refused)
{
	static const char *const nonsense[] = {
		"", "\n", "max", "max ", "max 1 ", "100000", "100000 ",
		"100000 0", "0 100000", "-1 100000", "+1 100000", " 1 1",
		"1  1", "1 1 1", "1 1\n\n", "1 1x", "1.5 1", "maximum 1",
		"18446744073709551616 1", "99999999999999999999999 1",
		"1 -1", "1\n1", "0x10 1",
	};

	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		int r = weir__cpus_parse_max(nonsense[i]);

		if (r != -EINVAL)
			NOTE("number %zu", i);
		CHECK_EQ(r, -EINVAL);
	}
}

TEST(cfs_quota_is_parsed)
{
	CHECK_EQ(weir__cpus_parse_cfs("-1\n", "100000\n"), 0);
	CHECK_EQ(weir__cpus_parse_cfs("150000\n", "100000\n"), 1500);
	CHECK_EQ(weir__cpus_parse_cfs("50000", "100000"), 500);
	CHECK_EQ(weir__cpus_parse_cfs("", "100000"), -EINVAL);
	CHECK_EQ(weir__cpus_parse_cfs("-2", "100000"), -EINVAL);
	CHECK_EQ(weir__cpus_parse_cfs("-10", "100000"), -EINVAL);
	CHECK_EQ(weir__cpus_parse_cfs("1", ""), -EINVAL);
	CHECK_EQ(weir__cpus_parse_cfs("1", "0"), -EINVAL);
	CHECK_EQ(weir__cpus_parse_cfs("1 1", "1"), -EINVAL);
	CHECK_EQ(weir__cpus_parse_cfs("1", "1 1"), -EINVAL);
}

static char root[] = "/tmp/weir-test-XXXXXX";

/* Write @text to @path below the root, with the folders it needs. */
static void put(const char *path, const char *text)
{
	char full[1024];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *p = full + sizeof(root); *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		CHECK(mkdir(full, 0700) == 0 || errno == EEXIST);
		*p = '/';
	}
	f = fopen(full, "we");
	CHECK(f);
	fputs(text, f);
	fclose(f);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void make_root(void)
{
	CHECK(mkdtemp(root));
}

static void remove_root(void)
{
	CHECK_EQ(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* What @groups means below the root: the quota, and where from. */
static void check(const char *groups, int milli, const char *source)
{
	struct weir__cpus cpus = { .online = 11, .allowed = 7,
				   .quota_milli = 99, .quota_source = "old" };
	char full[1024];

	weir__cpus_quota(root, groups, &cpus);
	CHECK_EQ(cpus.quota_milli, milli);
	snprintf(full, sizeof(full), "%s/%s", root, source);
	CHECK_STR(cpus.quota_source, *source ? full : "");
	CHECK_EQ(cpus.online, 11);
	CHECK_EQ(cpus.allowed, 7);
}

TEST(version_2_takes_the_tightest_ancestor)
{
	make_root();
	check("0::/a/b/c\n", 0, "");
	put("a/cpu.max", "200000 100000\n");
	put("a/b/cpu.max", "max 100000\n");
	put("a/b/c/cpu.max", "400000 100000\n");
	check("0::/a/b/c\n", 2000, "a/cpu.max");
	put("a/b/cpu.max", "50000 100000\n");
	check("0::/a/b/c\n", 500, "a/b/cpu.max");
	check("0::/a\n", 2000, "a/cpu.max");
	check("0::/elsewhere\n", 0, "");
	check("0::/a/b/gone\n", 500, "a/b/cpu.max");
	/* In a container the mount's root is the container's group. */
	put("cpu.max", "100000 100000\n");
	check("0::/docker/0123456789abcdef\n", 1000, "cpu.max");
	check("0::/\n", 1000, "cpu.max");
	/* A group outside the namespace: only the root is ours. */
	check("0::/../a/b\n", 1000, "cpu.max");
	check("0::/..\n", 1000, "cpu.max");
	/* What makes no sense is no limit. */
	put("cpu.max", "garbage");
	check("0::/\n", 0, "");
	remove_root();
}

/* Not the folder that "/.." leads to in the mount, but the mount's root. */
TEST(a_group_outside_the_namespace_is_left_alone)
{
	struct weir__cpus cpus = { .online = 1 };
	char mount[1024];

	make_root();
	put("a/cpu.max", "10000 100000\n");
	put("mount/cpu.max", "90000 100000\n");
	snprintf(mount, sizeof(mount), "%s/mount", root);
	weir__cpus_quota(mount, "0::/../a\n", &cpus);
	CHECK_EQ(cpus.quota_milli, 900);
	remove_root();
}

TEST(version_1_is_read_where_cpu_is)
{
	static const char groups[] = "12:cpuset:/x\n"
				     "4:cpu,cpuacct:/a/b\n"
				     "1:name=systemd:/a\n";

	make_root();
	put("cpuset/x/cpu.cfs_quota_us", "1000\n");
	put("cpuset/x/cpu.cfs_period_us", "100000\n");
	check(groups, 0, "");
	put("cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
	put("cpu,cpuacct/cpu.cfs_period_us", "100000\n");
	put("cpu,cpuacct/a/cpu.cfs_quota_us", "150000\n");
	put("cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
	put("cpu,cpuacct/a/b/cpu.cfs_quota_us", "-1\n");
	put("cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
	check(groups, 1500, "cpu,cpuacct/a/cpu.cfs_quota_us");
	put("cpu,cpuacct/a/b/cpu.cfs_quota_us", "120000\n");
	check(groups, 1200, "cpu,cpuacct/a/b/cpu.cfs_quota_us");
	put("cpu/cpu.cfs_quota_us", "30000\n");
	put("cpu/cpu.cfs_period_us", "100000\n");
	check("1:cpu:/\n", 300, "cpu/cpu.cfs_quota_us");
	check("1:cpuacct,cpu:/\n", 0, "");
	remove_root();
}

TEST(both_versions_count)
{
	make_root();
	put("unified/a/cpu.max", "70000 100000\n");
	put("cpu/a/cpu.cfs_quota_us", "80000\n");
	put("cpu/a/cpu.cfs_period_us", "100000\n");
	check("3:cpu:/a\n0::/a\n", 700, "unified/a/cpu.max");
	check("0::/a\n3:cpu:/a\n", 700, "unified/a/cpu.max");
	put("cpu/a/cpu.cfs_quota_us", "60000\n");
	check("3:cpu:/a\n0::/a", 600, "cpu/a/cpu.cfs_quota_us");
	check("", 0, "");
	check("\n\n:::\nno colon\n0:\n::\n0::\n", 0, "");
	remove_root();
}

TEST(a_long_source_keeps_its_end)
{
	struct weir__cpus cpus = { .online = 1 };
	const char *end = "/pod/container-with-a-name/cpu.max";
	size_t len;

	make_root();
	put("a-group-whose-name-takes-a-lot-of-room-in-the-path/pod/"
	    "container-with-a-name/cpu.max", "100000 100000\n");
	weir__cpus_quota(root, "0::/a-group-whose-name-takes-a-lot-of-room-in-"
			 "the-path/pod/container-with-a-name\n", &cpus);
	CHECK_EQ(cpus.quota_milli, 1000);
	len = strlen(cpus.quota_source);
	CHECK_EQ(len, sizeof(cpus.quota_source) - 1);
	CHECK(strncmp(cpus.quota_source, "...", 3) == 0);
	CHECK_STR(cpus.quota_source + len - strlen(end), end);
	remove_root();
}

TEST(this_machine_is_read)
{
	struct weir__cpus cpus;
	cpu_set_t set;

	CHECK_EQ(weir__cpus_read(&cpus), 0);
	CHECK(cpus.online >= 1);
	CHECK(cpus.allowed >= 1 && cpus.allowed <= cpus.online);
	CHECK(cpus.quota_milli >= 0);
	CHECK_EQ(cpus.quota_milli == 0, cpus.quota_source[0] == '\0');

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
	CHECK_EQ(weir__cpus_read(&cpus), 0);
	CHECK_EQ(cpus.allowed, 1);
}

/* As on a machine with more CPUs than the first set has room for. */
static int small_sets;

static int refuse_small_sets(enum weir__call call)
{
	return call == WEIR__CALL_AFFINITY && small_sets-- > 0 ? -EINVAL : 0;
}

TEST(the_affinity_set_grows)
{
	struct weir__cpus cpus = { .allowed = -1 };

	weir__fault_hook = refuse_small_sets;
	small_sets = 2;
	CHECK_EQ(weir__cpus_read(&cpus), 0);
	CHECK(cpus.allowed >= 1);
	cpus.allowed = -1;
	small_sets = 1000;	/* but not for ever */
	CHECK_EQ(weir__cpus_read(&cpus), -EINVAL);
	CHECK_EQ(cpus.allowed, -1);
}

static int no_files(enum weir__call call)
{
	return call == WEIR__CALL_OPEN ? -EACCES : 0;
}

TEST(no_control_groups_is_no_limit)
{
	struct weir__cpus cpus;

	weir__fault_hook = no_files;
	CHECK_EQ(weir__cpus_read(&cpus), 0);
	CHECK_EQ(cpus.quota_milli, 0);
	CHECK_STR(cpus.quota_source, "");
}
