/* SPDX-License-Identifier: MIT */
/*
 * tokens.c - threads that know nothing of reactors send to tokens
 *
 * A box on each worker takes its share and ends; a stranger moves in.  What
 * comes too late is refused or comes back; nothing goes to the stranger.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include <weir.h>

#define SENDERS 4
#define MESSAGES 100000		/* from each sender */
#define SHARE 150000		/* for each box */
#define WORKERS 2

struct box {
	weir_token token;
	long got;
};

static struct box boxes[WORKERS], strangers[WORKERS];
static struct weir_counter *delivered, *returned;

static void run(struct weir_reactor *r, const struct weir_msg *msg, void *data)
{
	struct box *box = data, *next = &strangers[weir_reactor_index(r)];

	weir_counter_add(delivered, r, 1);
	if (++box->got == SHARE) {
		weir_source_close(r, msg->token);
		weir_source_open(r, NULL, next, &next->token);
	}
}

static void undeliverable(struct weir_reactor *r, const struct weir_msg *msg,
			  int why)
{
	(void)msg, (void)why;	/* -ESTALE */
	weir_counter_add(returned, r, 1);
}

static const struct weir_call call = { run, undeliverable };

static void *sender(void *data)
{
	struct weir_pool *pool = data;
	long refused = 0;

	for (int i = 0, r = 0; i < MESSAGES; i++) {
		weir_token to = boxes[i % WORKERS].token;

		while ((r = weir_send(pool, to, &call, NULL, 0)) == -EAGAIN)
			usleep(100);	/* the queue is full */
		refused += r == -ESTALE;
	}
	return (void *)refused;
}

static int on_start(struct weir_reactor *r, void *data)
{
	struct box *box = &boxes[weir_reactor_index(r)];

	(void)data;
	return weir_source_open(r, NULL, box, &box->token);
}

int main(void)
{
	struct weir_pool_options o = { .size = sizeof(o), .workers = WORKERS };
	pthread_t threads[SENDERS];
	struct weir_pool *pool;
	long sum[3] = { 0 }, strays;	/* refused, delivered, returned */
	void *refused;

	o.on_start = on_start;
	if (weir_pool_new(&o, &pool) < 0 ||
	    weir_counter_new(pool, &delivered) < 0 ||
	    weir_counter_new(pool, &returned) < 0 || weir_pool_start(pool) < 0)
		return 1;
	for (int i = 0; i < SENDERS; i++)
		if (pthread_create(&threads[i], NULL, sender, pool) != 0)
			return 1;
	for (int i = 0; i < SENDERS; i++, sum[0] += (long)refused)
		pthread_join(threads[i], &refused);
	weir_pool_drain(pool, WEIR_FOREVER);
	weir_pool_join(pool);
	sum[1] = (long)weir_counter_sum(delivered);
	sum[2] = (long)weir_counter_sum(returned);
	strays = strangers[0].got + strangers[1].got;
	printf("of %d: %ld refused, %ld delivered, %ld returned; %ld strays\n",
	       SENDERS * MESSAGES, sum[0], sum[1], sum[2], strays);
	weir_counter_free(delivered);
	weir_counter_free(returned);
	weir_pool_free(pool);
	return strays || sum[0] + sum[1] + sum[2] != SENDERS * MESSAGES;
}
