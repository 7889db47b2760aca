/* SPDX-License-Identifier: MIT */
/*
 * pool/subscribe.c - a signal to several, on the threads of their choice
 *
 * The control thread reads a signal, calls its own subscribers, and makes one
 * message for each of the others and each worker. What does not fit into a
 * worker's queue waits here, in order, and is tried again.
 *
 * N1  Nothing is lost: while too much waits the control thread reads no more
 *     signals, and the kernel keeps them; sigqueue(3) tells who sends too many.
 * N2  Each worker gets what it gets in the order in which it was read: once
 *     something waits for it, all that follows waits behind.
 */
#include <weir/signal.h>

#include <errno.h>
#include <stdlib.h>
#include <weir/source.h>
#include <weir/timer.h>

#include "pool/pool.h"

/* So much may wait: some bursts of real-time signals, and 128 KiB or so. */
enum { WAITING_MAX = 1024 };

/* How soon to try again when a worker's queue was full. */
static const weir_ns RETRY_NS = WEIR_NS_PER_MSEC;

struct subscriber {
	struct weir__list link;
	weir_token token;
	int signo;
	int where;
	weir_signal_fn *fn;
	void *data;
	uint64_t signals;		/* the last one it was told of */
};

/* On its way to a worker. */
struct notice {
	struct weir__list link;		/* while it waits */
	weir_token subscriber;
	int worker;
	weir_signal_fn *fn;
	void *data;
	struct signalfd_siginfo info;
};

struct weir__subscribers {
	struct weir__list list;
	struct weir__list waiting;	/* notices */
	unsigned waiting_count;
	struct weir_timer *timer;
	uint64_t signals;		/* told so far */
	bool is_behind[];		/* by worker: something waits for it */
};

static struct weir_reactor *control_of(struct weir_pool *pool)
{
	return weir__pool_reactor(pool, WEIR_CONTROL);
}

static void notice_run(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	struct notice *notice = msg->arg;

	(void)data;
	notice->fn(r, &notice->info, notice->data);
	free(notice);
}

static void notice_back(struct weir_reactor *r, const struct weir_msg *msg,
			int why)
{
	(void)r;
	(void)why;
	free(msg->arg);
}

static const struct weir_call notice_call = {
	.run = notice_run,
	.undeliverable = notice_back,
};

/* Return: whether the worker had room, or will never have any. */
static bool post(struct weir_pool *pool, struct notice *notice)
{
	int err = weir_post(pool, notice->worker, &notice_call, notice, 0);

	if (err == -EAGAIN || err == -ENOMEM)
		return false;
	if (err < 0)
		free(notice);
	return true;
}

static void notify(struct weir_pool *pool, const struct subscriber *s,
		   int worker, const struct signalfd_siginfo *info)
{
	struct weir__subscribers *subs = pool->subscribers;
	struct notice *notice = malloc(sizeof(*notice));

	if (!notice) {
		weir__pool_log(pool, WEIR_LOG_WARNING,
			       "no memory to tell worker %d of signal %u",
			       worker, info->ssi_signo);
		return;
	}
	*notice = (struct notice){
		.subscriber = s->token, .worker = worker, .fn = s->fn,
		.data = s->data, .info = *info,
	};
	weir__list_init(&notice->link);
	if (!subs->is_behind[worker] && post(pool, notice))
		return;
	subs->is_behind[worker] = true;			/* N2 */
	weir__list_push(&subs->waiting, &notice->link);
	subs->waiting_count++;
	if (!weir_timer_is_running(subs->timer))
		weir_timer_start(subs->timer, RETRY_NS);
}

/* All that waits, once, in order. */
static void retry(struct weir_reactor *control, struct weir_timer *t,
		  void *data)
{
	struct weir_pool *pool = data;
	struct weir__subscribers *subs = pool->subscribers;
	struct weir__list still, *node;

	(void)control;
	weir__list_init(&still);
	for (int i = 0; i < pool->workers; i++)
		subs->is_behind[i] = false;
	while ((node = weir__list_take(&subs->waiting)) != NULL) {
		struct notice *notice = WEIR__CONTAINER(node, struct notice,
							link);

		if (!subs->is_behind[notice->worker] && post(pool, notice)) {
			subs->waiting_count--;
			continue;
		}
		subs->is_behind[notice->worker] = true;
		weir__list_push(&still, node);
	}
	while ((node = weir__list_take(&still)) != NULL)
		weir__list_push(&subs->waiting, node);
	if (subs->waiting_count > 0)
		weir_timer_start(t, RETRY_NS);
	if (!weir__subscribers_are_full(pool))
		weir__signals_go_on(pool);
}

bool weir__subscribers_are_full(const struct weir_pool *pool)
{
	return pool->subscribers &&
	       pool->subscribers->waiting_count >= WAITING_MAX;
}

/* From the start each time: a subscriber may remove any of them. */
static struct subscriber *next_untold(const struct weir__subscribers *subs,
				      int signo)
{
	struct weir__list *node;

	for (node = subs->list.next; node != &subs->list; node = node->next) {
		struct subscriber *s = WEIR__CONTAINER(node, struct subscriber,
						       link);

		if (s->signo == signo && s->signals != subs->signals)
			return s;
	}
	return NULL;
}

bool weir__subscribers_tell(struct weir_pool *pool,
			    const struct signalfd_siginfo *info)
{
	struct weir__subscribers *subs = pool->subscribers;
	struct subscriber *s;
	bool any = false;

	if (!subs)
		return false;
	subs->signals++;
	while ((s = next_untold(subs, (int)info->ssi_signo)) != NULL) {
		any = true;
		s->signals = subs->signals;
		if (s->where == WEIR_CONTROL)
			s->fn(control_of(pool), info, s->data);
		else if (s->where >= 0)
			notify(pool, s, s->where, info);
		else
			for (int i = 0; i < pool->workers; i++)
				notify(pool, s, i, info);
	}
	return any;
}

/* Return: what holds them, or NULL. */
static struct weir__subscribers *subscribers_of(struct weir_pool *pool)
{
	struct weir__subscribers *subs = pool->subscribers;

	if (subs)
		return subs;
	subs = calloc(1, sizeof(*subs) + (size_t)pool->workers *
		      sizeof(subs->is_behind[0]));
	if (!subs)
		return NULL;
	weir__list_init(&subs->list);
	weir__list_init(&subs->waiting);
	if (weir_timer_new(control_of(pool), retry, pool, &subs->timer) < 0) {
		free(subs);
		return NULL;
	}
	pool->subscribers = subs;
	return subs;
}

int weir_signal_subscribe(struct weir_pool *pool, int signo, int where,
			  weir_signal_fn *fn, void *data,
			  weir_token *ret_token)
{
	struct subscriber *s;
	int err = weir__pool_check_control(pool);

	if (err < 0)
		return err;
	if (!fn || where < WEIR_ALL || where >= pool->workers)
		return -EINVAL;
	err = weir__signals_serve(pool, signo);
	if (err < 0)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s || !subscribers_of(pool)) {
		free(s);
		return -ENOMEM;
	}
	err = weir_source_open(control_of(pool), NULL, s, &s->token);
	if (err < 0) {
		free(s);
		return err;
	}
	s->signo = signo;
	s->where = where;
	s->fn = fn;
	s->data = data;
	s->signals = pool->subscribers->signals;
	weir__list_init(&s->link);
	weir__list_push(&pool->subscribers->list, &s->link);
	*ret_token = s->token;
	return 0;
}

static struct subscriber *find(const struct weir_pool *pool, weir_token token)
{
	struct weir__list *node;

	if (!pool->subscribers)
		return NULL;
	for (node = pool->subscribers->list.next;
	     node != &pool->subscribers->list; node = node->next) {
		struct subscriber *s = WEIR__CONTAINER(node, struct subscriber,
						       link);

		if (weir_token_equal(s->token, token))
			return s;
	}
	return NULL;
}

static void forget_waiting(struct weir__subscribers *subs, weir_token token)
{
	struct weir__list *node, *next;

	for (node = subs->waiting.next; node != &subs->waiting; node = next) {
		struct notice *notice = WEIR__CONTAINER(node, struct notice,
							link);

		next = node->next;
		if (!weir_token_equal(notice->subscriber, token))
			continue;
		weir__list_remove(node);
		subs->waiting_count--;
		free(notice);
	}
}

int weir_signal_unsubscribe(struct weir_pool *pool, weir_token token)
{
	struct subscriber *s;
	int err = weir__pool_check_control(pool);

	if (err < 0)
		return err;
	s = find(pool, token);
	if (!s)
		return -ESTALE;
	forget_waiting(pool->subscribers, token);
	weir_source_remove(control_of(pool), token);
	weir__list_remove(&s->link);
	free(s);
	return 0;
}

void weir__subscribers_close(struct weir_pool *pool)
{
	struct weir__subscribers *subs = pool->subscribers;
	struct weir__list *node;

	if (!subs)
		return;
	while ((node = weir__list_take(&subs->waiting)) != NULL)
		free(WEIR__CONTAINER(node, struct notice, link));
	while ((node = weir__list_take(&subs->list)) != NULL)
		free(WEIR__CONTAINER(node, struct subscriber, link));
	free(subs);
	pool->subscribers = NULL;
}
