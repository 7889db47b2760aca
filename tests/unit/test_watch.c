/* SPDX-License-Identifier: MIT */
/*
 * test_watch.c - files watched by their paths
 */
#include <weir.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watching.h"

TEST(a_file_is_written)
{
	struct spot f;

	begin_running();
	watch(&f, "f");
	change_file("f", "in its place");
	expect(&f, WEIR_WATCH_CHANGED);
	/* Written without a change of its looks: it may have changed. */
	CHECK_EQ(chmod(at("f"), 0600), 0);
	expect(&f, WEIR_WATCH_CHANGED);
	end();
}

TEST(a_file_is_renamed_over)
{
	struct spot f;

	begin_running();
	watch(&f, "f");
	for (int i = 0; i < 2; i++) {
		change_file("new", "begin");
		CHECK_EQ(rename(at("new"), at("f")), 0);
		expect(&f, WEIR_WATCH_CHANGED);
	}
	end();
}

TEST(a_file_goes_and_comes_back)
{
	struct spot f;

	begin_running();
	watch(&f, "f");
	CHECK_EQ(unlink(at("f")), 0);
	expect(&f, WEIR_WATCH_GONE);
	change_file("f", "back");
	expect(&f, WEIR_WATCH_CHANGED);
	CHECK_EQ(rename(at("f"), at("away")), 0);
	expect(&f, WEIR_WATCH_GONE);
	CHECK_EQ(rename(at("away"), at("f")), 0);
	expect(&f, WEIR_WATCH_CHANGED);
	end();
}

TEST(a_file_need_not_exist)
{
	struct spot later;

	begin_running();
	/* Nor does its folder need to be named. */
	CHECK_EQ(chdir(t.home), 0);
	CHECK_EQ(try_watch(&later, "later"), 0);
	change_file("later", "here");
	expect(&later, WEIR_WATCH_CHANGED);
	end();
}

/* Ten changes; return whether they came fast enough to be one. */
static bool burst(void)
{
	weir_ns longest = 0;

	for (int i = 0; i < 10; i++) {
		const weir_ns begin_ns = weir_clock();

		change_file("f", i % 2 ? "odd" : "even");
		fixture_sleep_ms(3);
		if (weir_clock() - begin_ns > longest)
			longest = weir_clock() - begin_ns;
	}
	return longest < 25 * WEIR_NS_PER_MSEC;
}

TEST(a_burst_is_reported_once)
{
	struct spot f;

	begin_running();
	watch(&f, "f");
	for (int tries = 0; !burst(); tries++) {
		if (tries == 10)
			SKIP("the machine is too busy");
		/* Whatever it was, let it pass. */
		fixture_sleep_ms(700);
		while (sem_trywait(&t.reported) == 0)
			t.read++;
	}
	expect(&f, WEIR_WATCH_CHANGED);
	change_file("other", "not ours");
	change_file("f", "the last one");
	expect(&f, WEIR_WATCH_CHANGED);
	end();
}

static void *keep_writing(void *stop)
{
	while (sem_trywait(stop) < 0) {
		write_file("f", "on and on");
		fixture_sleep_ms(5);
	}
	return NULL;
}

TEST(what_never_settles_is_reported_all_the_same)
{
	struct spot f;
	pthread_t thread;
	sem_t stop;

	begin_running();
	watch(&f, "f");
	sem_init(&stop, 0, 0);
	CHECK_EQ(pthread_create(&thread, NULL, keep_writing, &stop), 0);
	for (int i = 0; i < 2; i++)
		expect(&f, WEIR_WATCH_CHANGED);
	sem_post(&stop);
	pthread_join(thread, NULL);
	t.more = SEEN_MAX;
	end();
}

TEST(hup_reloads_each_watch)
{
	struct spot f, gone, third;

	begin();
	watch(&f, "f");
	watch(&gone, "gone");
	CHECK_EQ(weir_pool_start(t.pool), 0);
	watch(&third, "third");
	CHECK_EQ(kill(getpid(), SIGHUP), 0);
	expect_each(3, WEIR_WATCH_RELOAD);
	end();
}

TEST(what_changed_before_the_start)
{
	struct spot same, f, gone;

	begin();
	change_file("same", "");
	change_file("gone", "");
	watch(&same, "same");
	watch(&f, "f");
	watch(&gone, "gone");
	change_file("f", "another size");
	CHECK_EQ(unlink(at("gone")), 0);
	CHECK_EQ(weir_pool_start(t.pool), 0);
	expect_both(&f, WEIR_WATCH_CHANGED, &gone, WEIR_WATCH_GONE);
	change_file("same", "now");
	/* There was nothing of it before. */
	expect(&same, WEIR_WATCH_CHANGED);
	end();
}

TEST(a_watch_ends)
{
	struct spot f, same, g;

	begin_running();
	change_file("g", "");
	watch(&f, "f");
	watch(&same, "f");
	watch(&g, "g");
	f.removes = 1;
	change_file("f", "once");
	expect_each(2, WEIR_WATCH_CHANGED);
	CHECK_EQ(unwatch(&f), -ESTALE);
	change_file("f", "twice");
	expect(&same, WEIR_WATCH_CHANGED);
	CHECK_EQ(unwatch(&same), 0);
	CHECK_EQ(unwatch(&same), -ESTALE);
	/* Removed while it settles. */
	change_file("g", "not reported");
	CHECK_EQ(unwatch(&g), 0);
	watch(&g, "g");
	change_file("f", "neither");
	change_file("g", "thrice");
	expect(&g, WEIR_WATCH_CHANGED);
	end();
}

TEST(two_spellings_of_a_folder)
{
	struct spot a, b, c;
	char path[64];

	begin_running();
	watch(&a, "f");
	watch(&b, "./f");
	snprintf(path, sizeof(path), "%s//f", t.home);
	CHECK_EQ(try_watch(&c, path), 0);
	change_file("f", "one");
	expect_each(3, WEIR_WATCH_CHANGED);
	CHECK_EQ(unwatch(&a), 0);
	change_file("f", "two");
	expect_each(2, WEIR_WATCH_CHANGED);
	CHECK_EQ(unwatch(&c), 0);
	change_file("f", "three");
	expect(&b, WEIR_WATCH_CHANGED);
	end();
}

TEST(what_is_refused)
{
	static char longest[5000];
	struct spot spot;
	weir_token token;

	begin();
	memset(longest, 'x', sizeof(longest) - 1);
	CHECK_EQ(try_watch(&spot, ""), -EINVAL);
	CHECK_EQ(try_watch(&spot, at("")), -EINVAL);
	CHECK_EQ(try_watch(&spot, t.home), -EINVAL);
	CHECK_EQ(symlink("loop", at("loop")), 0);
	CHECK_EQ(try_watch(&spot, at("loop")), -ELOOP);
	CHECK_EQ(weir_watch_add(t.pool, longest, on_change, NULL, &token),
		 -ENAMETOOLONG);
	CHECK_EQ(weir_watch_add(t.pool, NULL, on_change, NULL, &token),
		 -EINVAL);
	CHECK_EQ(weir_watch_add(t.pool, "/tmp/x", NULL, NULL, &token), -EINVAL);
	CHECK_EQ(weir_watch_remove(t.pool, weir_token_none()), -ESTALE);
	CHECK_EQ(weir_pool_start(t.pool), 0);
	CHECK_EQ(weir_watch_add(t.pool, "/tmp/x", on_change, NULL, &token),
		 -EBUSY);
	CHECK_EQ(weir_watch_remove(t.pool, token), -EBUSY);
	end();
}

/* --- overflow --- */

TEST(events_are_lost)
{
	struct hold hold = { .fn = NULL };
	const long limit = queue_limit();
	struct spot f, in_folder;

	if (limit < 1 || limit > 100000)
		SKIP("max_queued_events is out of reach");
	begin_running();
	make_folder();
	watch(&f, "f");
	watch(&in_folder, "d/f");
	hold_begin(&hold, t.pool, WEIR_CONTROL);
	overflow(limit);
	/* Nobody hears that the folder is another one. */
	CHECK_EQ(rename(at("d"), at("old")), 0);
	make_folder();
	hold_end(&hold);
	expect_both(&f, WEIR_WATCH_OVERFLOW, &in_folder, WEIR_WATCH_CHANGED);
	change_file("d/f", "written in the new one");
	expect(&in_folder, WEIR_WATCH_CHANGED);
	change_file("f", "as ever");
	expect(&f, WEIR_WATCH_CHANGED);
	end();
}

TEST(a_pool_ends_with_its_watches)
{
	struct spot f, g;

	begin();
	watch(&f, "f");
	watch(&g, "g");
	end();
	begin_running();
	watch(&f, "f");
	change_file("f", "not heard of any more");
	CHECK_EQ(weir_pool_stop(t.pool), 0);
	CHECK_EQ(weir_pool_join(t.pool), 0);
	/* After the join anybody may make control's calls. */
	CHECK_EQ(weir_watch_remove(t.pool, f.token), 0);
	t.more = 1;
	end();
}
