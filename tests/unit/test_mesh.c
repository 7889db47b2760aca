/* SPDX-License-Identifier: MIT */
/*
 * test_mesh.c - rings between the threads of a pool, and their doorbells
 */
#include "sync/mesh.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "sys/epoll.h"
#include "sys/eventfd.h"
#include "sys/fault.h"

#include "harness.h"
#include "stress.h"

enum { MEMBERS = 3, CAPACITY = 32, MOST = 1000 };

static struct weir__doorbell bells[MEMBERS];
static int sets[MEMBERS];

static struct weir__mesh *new_mesh(void)
{
	struct weir__mesh *mesh = weir__mesh_new(MEMBERS, CAPACITY);

	CHECK(mesh);
	for (unsigned i = 0; i < MEMBERS; i++) {
		sets[i] = weir__epoll_create();
		CHECK(sets[i] >= 0);
		CHECK_EQ(weir__doorbell_init(&bells[i]), 0);
		CHECK_EQ(weir__epoll_ctl(sets[i], EPOLL_CTL_ADD, bells[i].fd,
					 EPOLLIN | EPOLLET, 1), 0);
		weir__mesh_set_bell(mesh, i, &bells[i]);
	}
	return mesh;
}

static void end_mesh(struct weir__mesh *mesh)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		weir__doorbell_done(&bells[i]);
		close(sets[i]);
	}
	CHECK(!weir__mesh_free(mesh));
}

static int push(struct weir__mesh *mesh, unsigned from, unsigned to,
		uint64_t word, size_t reserve)
{
	const struct weir_msg msg = { .token = { from }, .word = word };

	return weir__mesh_push(mesh, from, to, &msg, reserve);
}

/* What has come, in the order in which it came. */
struct log {
	int count;
	uint64_t from[MOST], words[MOST];
};

static void note(const struct weir_msg *msgs, size_t count, void *data)
{
	struct log *log = data;

	for (size_t i = 0; i < count; i++) {
		CHECK(log->count < MOST);
		log->from[log->count] = msgs[i].token.bits;
		log->words[log->count++] = msgs[i].word;
	}
}

TEST(a_new_mesh_is_idle)
{
	struct weir__mesh *mesh = new_mesh();
	struct log log = { 0 };
	bool more = true;

	for (unsigned i = 0; i < MEMBERS; i++) {
		CHECK(weir__mesh_is_idle(mesh, i));
		CHECK_EQ(weir__mesh_take(mesh, i, MOST, note, &log, &more), 0);
		CHECK(!more);
		CHECK_EQ(weir__mesh_flush(mesh, i), 0);
	}
	end_mesh(mesh);
	CHECK(!weir__mesh_free(NULL));
}

TEST(the_first_flush_says_when_it_was)
{
	struct weir__mesh *mesh = new_mesh();
	struct weir__doorbell *bell = mesh->receivers[1].bell;

	CHECK_EQ(weir__doorbell_take_stamp(bell, false), 0);
	mesh->senders[0].now = 77;
	weir__mesh_flush(mesh, 0);
	CHECK_EQ(weir__doorbell_take_stamp(bell, false), 0);
	CHECK_EQ(push(mesh, 0, 1, 7, 0), 0);
	weir__mesh_flush(mesh, 0);
	mesh->senders[0].now = 88;
	CHECK_EQ(push(mesh, 0, 1, 8, 0), 0);
	weir__mesh_flush(mesh, 0);
	CHECK_EQ(weir__doorbell_take_stamp(bell, false), 77);
	/* Not asked for again yet. */
	CHECK_EQ(push(mesh, 0, 1, 9, 0), 0);
	weir__mesh_flush(mesh, 0);
	CHECK_EQ(weir__doorbell_take_stamp(bell, true), 0);
	CHECK_EQ(push(mesh, 0, 1, 10, 0), 0);
	weir__mesh_flush(mesh, 0);
	CHECK_EQ(weir__doorbell_take_stamp(bell, false), 88);
	end_mesh(mesh);
}

TEST(a_message_leaves_with_the_flush)
{
	struct weir__mesh *mesh = new_mesh();
	struct log log = { 0 };
	bool more;

	CHECK_EQ(push(mesh, 0, 1, 7, 0), 0);
	CHECK_EQ(push(mesh, 0, 1, 8, 0), 0);
	CHECK(weir__mesh_is_idle(mesh, 1));
	CHECK_EQ(weir__mesh_take(mesh, 1, MOST, note, &log, &more), 0);
	weir__mesh_flush(mesh, 0);
	CHECK(!weir__mesh_is_idle(mesh, 1));
	CHECK(weir__mesh_is_idle(mesh, 0));
	CHECK(weir__mesh_is_idle(mesh, 2));
	CHECK_EQ(weir__mesh_take(mesh, 1, MOST, note, &log, &more), 2);
	CHECK(!more);
	CHECK_EQ(log.from[0], 0);
	CHECK_EQ(log.words[0], 7);
	CHECK_EQ(log.words[1], 8);
	CHECK(weir__mesh_is_idle(mesh, 1));
	end_mesh(mesh);
}

TEST(each_pair_has_a_ring_of_its_own)
{
	struct weir__mesh *mesh = new_mesh();
	bool more;

	for (unsigned from = 0; from < MEMBERS; from++) {
		for (unsigned to = 0; to < MEMBERS; to++)
			CHECK_EQ(push(mesh, from, to, 10 * from + to, 0), 0);
		weir__mesh_flush(mesh, from);
	}
	for (unsigned to = 0; to < MEMBERS; to++) {
		struct log log = { 0 };

		CHECK_EQ(weir__mesh_take(mesh, to, MOST, note, &log, &more),
			 MEMBERS);
		for (unsigned i = 0; i < MEMBERS; i++)
			CHECK_EQ(log.words[i], 10 * log.from[i] + to);
	}
	end_mesh(mesh);
}

TEST(only_a_sleeper_is_rung_and_once_a_flush)
{
	struct weir__mesh *mesh = new_mesh();
	struct epoll_event event;

	CHECK_EQ(push(mesh, 0, 1, 1, 0), 0);
	CHECK_EQ(push(mesh, 0, 2, 1, 0), 0);
	CHECK_EQ(weir__mesh_flush(mesh, 0), 0);
	weir__doorbell_arm(&bells[1]);
	for (uint64_t i = 0; i < 5; i++)
		CHECK_EQ(push(mesh, 0, 1, i, 0), 0);
	CHECK_EQ(weir__epoll_wait(sets[1], &event, 1, 0), 0);
	CHECK_EQ(push(mesh, 0, 2, 1, 0), 0);
	CHECK_EQ(weir__mesh_flush(mesh, 0), 1);
	CHECK_EQ(weir__epoll_wait(sets[1], &event, 1, 0), 1);
	CHECK_EQ(weir__epoll_wait(sets[2], &event, 1, 0), 0);
	/* Nothing new: nobody is woken for it. */
	weir__doorbell_arm(&bells[1]);
	CHECK_EQ(weir__mesh_flush(mesh, 0), 0);
	CHECK_EQ(weir__epoll_wait(sets[1], &event, 1, 0), 0);
	end_mesh(mesh);
}

/* Full of what was not flushed: the receiver must learn of it all the same. */
TEST(a_full_ring_refuses_and_is_flushed)
{
	struct weir__mesh *mesh = new_mesh();
	struct epoll_event event;
	struct log log = { 0 };
	bool more;

	weir__doorbell_arm(&bells[1]);
	for (uint64_t i = 0; i < CAPACITY; i++)
		CHECK_EQ(push(mesh, 0, 1, i, 0), 0);
	CHECK(weir__mesh_is_idle(mesh, 1));
	CHECK_EQ(push(mesh, 0, 1, 99, 0), -EAGAIN);
	CHECK(!weir__mesh_is_idle(mesh, 1));
	CHECK_EQ(weir__epoll_wait(sets[1], &event, 1, 0), 1);
	CHECK_EQ(push(mesh, 0, 2, 5, 0), 0);
	CHECK_EQ(weir__mesh_take(mesh, 1, MOST, note, &log, &more), CAPACITY);
	for (uint64_t i = 0; i < CAPACITY; i++)
		CHECK_EQ(log.words[i], i);
	/* It has nothing more for it, and does not wake it for that. */
	weir__doorbell_arm(&bells[1]);
	CHECK_EQ(weir__mesh_flush(mesh, 0), 0);
	CHECK_EQ(weir__epoll_wait(sets[1], &event, 1, 0), 0);
	CHECK_EQ(push(mesh, 0, 1, CAPACITY, 0), 0);
	weir__mesh_flush(mesh, 0);
	CHECK_EQ(weir__mesh_take(mesh, 1, MOST, note, &log, &more), 1);
	CHECK_EQ(weir__mesh_take(mesh, 2, MOST, note, &log, &more), 1);
	end_mesh(mesh);
}

TEST(the_reserve_is_for_those_who_ask_for_less)
{
	struct weir__mesh *mesh = new_mesh();

	for (uint64_t i = 0; i < CAPACITY - 4; i++)
		CHECK_EQ(push(mesh, 0, 1, i, 4), 0);
	CHECK_EQ(push(mesh, 0, 1, 99, 4), -EAGAIN);
	for (uint64_t i = 0; i < 4; i++)
		CHECK_EQ(push(mesh, 0, 1, i, 0), 0);
	CHECK_EQ(push(mesh, 0, 1, 99, 0), -EAGAIN);
	end_mesh(mesh);
}

TEST(none_of_the_senders_starves)
{
	struct weir__mesh *mesh = new_mesh();
	struct log log = { 0 };
	bool more;

	for (uint64_t i = 0; i < 20; i++)
		CHECK_EQ(push(mesh, 0, 2, i, 0), 0);
	CHECK_EQ(push(mesh, 1, 2, 0, 0), 0);
	weir__mesh_flush(mesh, 0);
	weir__mesh_flush(mesh, 1);
	CHECK_EQ(weir__mesh_take(mesh, 2, 8, note, &log, &more), 9);
	CHECK(more);
	CHECK_EQ(log.from[8], 1);
	CHECK_EQ(weir__mesh_take(mesh, 2, 8, note, &log, &more), 8);
	CHECK(more);
	CHECK_EQ(weir__mesh_take(mesh, 2, 8, note, &log, &more), 4);
	CHECK(!more);
	end_mesh(mesh);
}

/* A message that begets one for its own thread, at once. */
struct echo {
	struct weir__mesh *mesh;
	int count;
};

static void beget(const struct weir_msg *msg, size_t count, void *data)
{
	struct echo *echo = data;

	CHECK_EQ(count, 1);
	echo->count++;
	CHECK_EQ(push(echo->mesh, 0, 0, msg->word + 1, 0), 0);
	weir__mesh_flush(echo->mesh, 0);
}

TEST(a_taker_that_pushes_is_not_kept)
{
	struct weir__mesh *mesh = new_mesh();
	struct echo echo = { mesh, 0 };
	bool more;

	CHECK_EQ(push(mesh, 0, 0, 0, 0), 0);
	weir__mesh_flush(mesh, 0);
	for (int i = 1; i <= 3 * CAPACITY; i++) {
		CHECK_EQ(weir__mesh_take(mesh, 0, MOST, beget, &echo, &more),
			 1);
		CHECK_EQ(echo.count, i);
		CHECK(!weir__mesh_is_idle(mesh, 0));
	}
	end_mesh(mesh);
}

/*
 * The storm.  Each member sends to each, itself included, and sleeps whenever
 * it has nothing to do.  The arguments are plain memory, passed to and fro.
 */
enum { ARGS = 4 * CAPACITY };

struct pair {
	uint64_t args[ARGS];
	uint64_t sent, got;	/* the sender's, the receiver's */
};

static struct storm {
	struct weir__mesh *mesh;
	weir_ns end;
	struct pair pairs[MEMBERS][MEMBERS];	/* [from][to] */
	_Atomic unsigned done;
	_Atomic uint64_t slept;
} storm;

struct member {
	pthread_t thread;
	unsigned number;
	bool is_done;
};

static void receive_one(const struct weir_msg *msg, const struct member *me)
{
	struct pair *p = &storm.pairs[msg->token.bits][me->number];
	uint64_t *arg = msg->arg;

	CHECK_EQ(msg->word, p->got);
	CHECK(arg == &p->args[p->got % ARGS]);
	CHECK(*arg == p->got * p->got);
	*arg = ~p->got++;
}

static void receive(const struct weir_msg *msgs, size_t count, void *data)
{
	for (size_t i = 0; i < count; i++)
		receive_one(&msgs[i], data);
}

static void send_some(unsigned from)
{
	for (unsigned to = 0; to < MEMBERS; to++) {
		struct pair *p = &storm.pairs[from][to];

		for (unsigned i = 0; i < 5 + from; i++) {
			uint64_t *arg = &p->args[p->sent % ARGS];
			const struct weir_msg msg = {
				.arg = arg,
				.token = { from },
				.word = p->sent,
			};

			/* Taken, or written already when there was no room. */
			CHECK(p->sent < ARGS || *arg == ~(p->sent - ARGS) ||
			      *arg == p->sent * p->sent);
			*arg = p->sent * p->sent;
			if (weir__mesh_push(storm.mesh, from, to, &msg,
					    p->sent % 3) < 0)
				break;
			p->sent++;
		}
	}
}

/* All have said that they are done: the last one to say so wakes all. */
static void say_done(struct member *me)
{
	me->is_done = true;
	storm.done++;
	for (unsigned i = 0; i < MEMBERS; i++)
		weir__doorbell_ring(&bells[i]);
}

static void sleep_over(const struct member *me)
{
	struct weir__doorbell *bell = &bells[me->number];
	struct epoll_event event;

	weir__doorbell_arm(bell);
	if (weir__mesh_is_idle(storm.mesh, me->number) &&
	    storm.done < MEMBERS) {
		CHECK(weir__epoll_wait(sets[me->number], &event, 1, -1) >= 0);
		storm.slept++;
	}
	weir__doorbell_disarm(bell);
}

static void *be_member(void *data)
{
	struct member *me = data;
	const unsigned n = me->number;
	bool more;

	for (;;) {
		const bool all_done = storm.done == MEMBERS;
		size_t taken = weir__mesh_take(storm.mesh, n, 8, receive, me,
					       &more);

		if (taken == 0 && all_done)
			break;
		if (!me->is_done)
			send_some(n);
		weir__mesh_flush(storm.mesh, n);
		if (!me->is_done && stress_is_over(storm.end))
			say_done(me);
		if (taken == 0 && !more)
			sleep_over(me);
	}
	return NULL;
}

TEST(members_agree_on_every_message)
{
	struct member members[MEMBERS] = { 0 };

	storm.mesh = new_mesh();
	storm.end = stress_end();
	for (unsigned i = 0; i < MEMBERS; i++) {
		members[i].number = i;
		CHECK_EQ(pthread_create(&members[i].thread, NULL, be_member,
					&members[i]), 0);
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		pthread_join(members[i].thread, NULL);
	for (unsigned from = 0; from < MEMBERS; from++) {
		for (unsigned to = 0; to < MEMBERS; to++) {
			const struct pair *p = &storm.pairs[from][to];

			CHECK(p->sent > 0);
			CHECK_EQ(p->got, p->sent);
		}
	}
	end_mesh(storm.mesh);
}

/*
 * Ping-pong, one message in flight, so that both sleep nearly every time.  A
 * wake-up that is lost is a test that does not end.
 */
enum { THROWS = 20000 };

static void count(const struct weir_msg *msgs, size_t count, void *data)
{
	uint64_t *n = data;

	CHECK_EQ(count, 1);
	CHECK_EQ(msgs->word, *n);
	++*n;
}

static void catch_one(unsigned me, uint64_t *got)
{
	const uint64_t before = *got;
	bool more;

	for (;;) {
		struct epoll_event event;

		weir__mesh_take(storm.mesh, me, 1, count, got, &more);
		if (*got > before)
			return;
		weir__doorbell_arm(&bells[me]);
		if (weir__mesh_is_idle(storm.mesh, me)) {
			CHECK(weir__epoll_wait(sets[me], &event, 1, -1) >= 0);
			storm.slept++;
		}
		weir__doorbell_disarm(&bells[me]);
	}
}

static void *play_back(void *unused)
{
	uint64_t got = 0;

	(void)unused;
	for (uint64_t i = 0; i < THROWS; i++) {
		catch_one(1, &got);
		CHECK_EQ(push(storm.mesh, 1, 0, i, 0), 0);
		weir__mesh_flush(storm.mesh, 1);
	}
	return NULL;
}

TEST(no_wake_up_is_lost)
{
	pthread_t thread;
	uint64_t got = 0;

	storm.mesh = new_mesh();
	CHECK_EQ(pthread_create(&thread, NULL, play_back, NULL), 0);
	for (uint64_t i = 0; i < THROWS; i++) {
		CHECK_EQ(push(storm.mesh, 0, 1, i, 0), 0);
		weir__mesh_flush(storm.mesh, 0);
		catch_one(0, &got);
	}
	pthread_join(thread, NULL);
	CHECK_EQ(got, THROWS);
	CHECK(storm.slept > 0);
	end_mesh(storm.mesh);
}
