/* SPDX-License-Identifier: MIT */
/*
 * test_steer.c - the program that chooses a worker by CPU
 *
 * It is run here, by the few instructions of classic BPF that it has, for CPUs
 * that this machine lacks; and in the kernel, for those that it has.
 */
#include <weir.h>

#include <errno.h>
#include <linux/filter.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "net/listener.h"
#include "sys/cpus.h"
#include "sys/fault.h"

struct machine {
	uint32_t cpu, random;	/* what the kernel would say */
	uint32_t a, x, memory;
};

static uint32_t load(const struct machine *m, uint32_t k)
{
	if (k == (uint32_t)(SKF_AD_OFF + SKF_AD_CPU))
		return m->cpu;
	CHECK(k == (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM));
	return m->random;
}

static uint32_t math(uint32_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return a / b;
	default:
		CHECK_EQ(op, BPF_MOD);
		return a % b;
	}
}

/* What is neither arithmetic nor a jump. */
static void step(struct machine *m, const struct sock_filter *i)
{
	switch (i->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		m->a = load(m, i->k);
		break;
	case BPF_LD | BPF_IMM:
		m->a = i->k;
		break;
	case BPF_LDX | BPF_MEM:
		m->x = m->memory;
		break;
	case BPF_ST:
		m->memory = m->a;
		break;
	default:
		CHECK_EQ(i->code, BPF_MISC | BPF_TAX);
		m->x = m->a;
		break;
	}
}

static uint32_t jump(const struct machine *m, const struct sock_filter *i)
{
	switch (BPF_OP(i->code)) {
	case BPF_JA:
		return i->k;
	case BPF_JGT:
		return m->a > i->k ? i->jt : i->jf;
	default:
		CHECK_EQ(BPF_OP(i->code), BPF_JGE);
		return m->a >= i->k ? i->jt : i->jf;
	}
}

static int run(const struct sock_filter *code, size_t count, int cpu,
	       uint32_t random)
{
	struct machine m = { .cpu = (uint32_t)cpu, .random = random };

	for (size_t at = 0; at < count; at++) {
		const struct sock_filter *i = &code[at];

		if (i->code == (BPF_RET | BPF_A))
			return (int)m.a;
		if (BPF_CLASS(i->code) == BPF_JMP)
			at += jump(&m, i);
		else if (BPF_CLASS(i->code) == BPF_ALU)
			m.a = math(BPF_OP(i->code), m.a,
				   BPF_SRC(i->code) == BPF_X ? m.x : i->k);
		else
			step(&m, i);
	}
	test_fail(__FILE__, __LINE__, "there is no answer");
}

/* What the file's head says, for the @j-th of @cpus. */
static void check_cpu(const struct sock_filter *code, size_t count, int cpu,
		      int j, int cpus, int workers)
{
	bool seen[64] = { false };

	CHECK(workers <= 64);
	for (uint32_t random = 0; random < 640; random++) {
		const int worker = run(code, count, cpu, random);

		CHECK(worker >= 0 && worker < workers);
		seen[worker] = true;
	}
	for (int i = 0; i < workers; i++)
		CHECK_EQ(seen[i], workers <= cpus ? i == j % workers :
						    i % cpus == j % cpus);
}

static void check_all(const struct weir__cpu_run *runs, int count, int workers)
{
	struct sock_filter code[WEIR__STEER_MOST];
	const size_t n = weir__steer_program(runs, count, workers, code);
	int cpus = 0, next = 0, j = 0;

	CHECK(n <= WEIR__STEER_MOST);
	for (int i = 0; i < count; i++)
		cpus += runs[i].last - runs[i].first + 1;
	for (int i = 0; i < count; i++) {
		for (; next < runs[i].first; next++)
			check_cpu(code, n, next, next, cpus, workers);
		for (; next <= runs[i].last; next++)
			check_cpu(code, n, next, j++, cpus, workers);
	}
	check_cpu(code, n, next + 7, next + 7, cpus, workers);
}

TEST(each_cpu_has_its_workers)
{
	static const struct weir__cpu_run all[] = { { 0, 3 } };
	static const struct weir__cpu_run some[] = {
		{ 1, 1 }, { 3, 6 }, { 9, 9 }, { 128, 131 },
	};

	for (int workers = 1; workers <= 12; workers++) {
		check_all(all, 1, workers);
		check_all(some, 4, workers);
	}
	check_all(some, 4, 64);
}

TEST(the_longest_program_is_within_its_room)
{
	struct weir__cpu_run runs[WEIR__STEER_RUNS];

	for (int i = 0; i < WEIR__STEER_RUNS; i++)
		runs[i] = (struct weir__cpu_run){ 2 * i + 1, 2 * i + 1 };
	check_all(runs, WEIR__STEER_RUNS, 3);
}

TEST(the_runs_are_the_affinity_mask)
{
	struct weir__cpu_run runs[WEIR__STEER_RUNS];
	cpu_set_t set;
	int n, cpus = 0;

	CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
	n = weir__cpus_runs(runs, WEIR__STEER_RUNS);
	CHECK(n > 0);
	for (int i = 0; i < n; i++)
		for (int cpu = runs[i].first; cpu <= runs[i].last; cpu++) {
			CHECK(CPU_ISSET((size_t)cpu, &set));
			cpus++;
		}
	CHECK_EQ(cpus, CPU_COUNT(&set));
	for (int i = 1; i < n; i++)
		CHECK(runs[i].first > runs[i - 1].last + 1);
	CHECK_EQ(weir__cpus_runs(runs, 1), 1);
}

enum { MANY_WORKERS = 5 };

struct server {
	struct weir_pool *pool;
	struct weir_listener *listener;
	struct weir_addr addr;
	int accepted[MANY_WORKERS];	/* each worker its own */
	sem_t done;
};

static void on_accept(struct weir_reactor *r, int fd,
		      const struct weir_addr *peer, void *data)
{
	struct server *s = data;

	(void)peer;
	s->accepted[weir_reactor_index(r)]++;
	close(fd);
	sem_post(&s->done);
}

static const struct weir_listener_options steered = {
	.size = sizeof(steered),
	.mode = WEIR_LISTENER_STEERED,
};

static void server_start(struct server *s, unsigned workers)
{
	const struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = workers,
		.flags = WEIR_POOL_NO_SIGNALS | WEIR_POOL_PIN,
	};

	*s = (struct server){ .addr = fixture_addr(0) };
	CHECK_EQ(sem_init(&s->done, 0, 0), 0);
	CHECK_EQ(weir_pool_new(&options, &s->pool), 0);
	CHECK_EQ(weir_listener_open(s->pool, &s->addr, &steered, on_accept, s,
				    &s->listener), 0);
	CHECK_EQ(weir_listener_addr(s->listener, &s->addr), 0);
	CHECK_EQ(weir_pool_start(s->pool), 0);
}

/* Connect from the @cpu-th of our CPUs. */
static void connect_from(struct server *s, int cpu, int times)
{
	cpu_set_t before, only;

	CHECK_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&only);
	CPU_SET((size_t)weir__cpus_nth(cpu), &only);
	CHECK_EQ(sched_setaffinity(0, sizeof(only), &only), 0);
	for (int i = 0; i < times; i++) {
		int fd = fixture_connect(fixture_port(&s->addr));

		fixture_reset_on_close(fd);
		close(fd);
		fixture_wait(&s->done);
	}
	CHECK_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

static int our_cpus(void)
{
	struct weir__cpus cpus;

	CHECK_EQ(weir__cpus_read(&cpus), 0);
	return cpus.allowed;
}

/* Each connection is taken by a worker of the CPU that it was sent from. */
static void steer(unsigned workers)
{
	enum { EACH = 100 };
	const int n = (int)workers, cpus = our_cpus();
	int before[MANY_WORKERS] = { 0 };
	struct server s;

	server_start(&s, workers);
	for (int cpu = 0; cpu < cpus && cpu < 8; cpu++) {
		int here = 0;

		connect_from(&s, cpu, EACH);
		fixture_settle(s.pool);
		for (int i = 0; i < n; i++) {
			if (n <= cpus ? i == cpu % n : i % cpus == cpu)
				here += s.accepted[i] - before[i];
			before[i] = s.accepted[i];
		}
		CHECK_EQ(here, EACH);
	}
	fixture_pool_end(s.pool);
}

TEST(a_connection_stays_on_its_cpu)
{
	steer(2);
}

TEST(more_workers_than_cpus_share_them)
{
	steer(MANY_WORKERS);
}

TEST(a_single_worker_gets_all)
{
	steer(1);
}

static int refuse_level;

/* The options of a socket are set one after the other; fail the last one. */
static int refuse(enum weir__call call)
{
	if (call == WEIR__CALL_SOCKOPT_SET && refuse_level-- == 0)
		return -ENOPROTOOPT;
	return 0;
}

static int refuse_mask(enum weir__call call)
{
	return call == WEIR__CALL_AFFINITY ? -ENOMEM : 0;
}

TEST(a_kernel_that_cannot_steer_is_reported)
{
	struct weir_pool *pool = fixture_pool(2);
	const struct weir_addr addr = fixture_addr(0);
	struct weir_listener *listener = NULL;

	refuse_level = 2 * 3;	/* options of each socket */
	weir__fault_hook = refuse;
	CHECK_EQ(weir_listener_open(pool, &addr, &steered, on_accept, NULL,
				    &listener), -ENOPROTOOPT);
	CHECK_EQ(refuse_level, -1);
	weir__fault_hook = refuse_mask;
	CHECK_EQ(weir_listener_open(pool, &addr, &steered, on_accept, NULL,
				    &listener), -ENOMEM);
	CHECK(!listener);
	fixture_pool_end(pool);
}

TEST(modes_have_names)
{
	enum weir_listener_mode mode = WEIR_LISTENER_HANDOFF;
	int n = 0;

	for (const char *name;
	     (name = weir_listener_mode_name((enum weir_listener_mode)n)); n++) {
		mode = (enum weir_listener_mode)(n + 1);
		CHECK_EQ(weir_listener_mode_parse(name, &mode), 0);
		CHECK_EQ(mode, n);
	}
	CHECK_EQ(n, 3);
	CHECK_EQ(weir_listener_mode_parse("steered", &mode), 0);
	CHECK_EQ(mode, WEIR_LISTENER_STEERED);
	CHECK_EQ(weir_listener_mode_parse("Sharded", &mode), -EINVAL);
	CHECK_EQ(weir_listener_mode_parse("", &mode), -EINVAL);
	CHECK_EQ(weir_listener_mode_parse(NULL, &mode), -EINVAL);
	CHECK_EQ(mode, WEIR_LISTENER_STEERED);
	CHECK(!weir_listener_mode_name((enum weir_listener_mode)-1));
}
