/* SPDX-License-Identifier: MIT */
/* top/text.c - a look, for people */
#include "top/top.h"

#include <inttypes.h>

/* "1.2 ms": four characters and a unit. */
static const char *span(uint64_t ns, char text[16])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double value = (double)ns;
	unsigned i = 0;

	for (; i < 3 && value >= 1000; i++)
		value /= 1000;
	snprintf(text, 16, value < 10 && i > 0 ? "%.1f%s" : "%.0f%s", value,
		 units[i]);
	return text;
}

static double rate(const struct top_sample *s, const struct top_thread *t,
		   const char *name)
{
	const int i = top_number(s->shm, name);

	return i < 0 ? 0 : t->rates[i];
}

static uint64_t number(const struct top_sample *s, const struct top_thread *t,
		       const char *name)
{
	const int i = top_number(s->shm, name);

	return i < 0 ? 0 : t->numbers[i];
}

static void thread(FILE *out, const struct top_sample *s,
		   const struct top_thread *t)
{
	const struct top_quantiles *turn = &t->span[WEIR_SHM_TURN_NS];
	const struct top_quantiles *lag = &t->span[WEIR_SHM_TIMER_LAG_NS];
	char for_long[16], p50[16], p99[16], max[16], late[16];

	fprintf(out, "%-4s %-7s %6s %8.0f %8.0f %8.0f %7s %7s %7s %7s %6" PRIu64
		" %7" PRIu64 " %6" PRIu64 "\n",
		t->name, top_state(t), span(t->state_ns, for_long),
		rate(s, t, "turns"), rate(s, t, "events"),
		rate(s, t, "messages_in"), span(turn->p50, p50),
		span(turn->p99, p99), span(turn->max, max),
		span(lag->p99, late), number(s, t, "queue_depth"),
		number(s, t, "sources"), number(s, t, "stalls"));
}

static void stuck(FILE *out, const struct top_thread *t)
{
	char name[TOP_NAME], text[16];

	if (t->is_asleep || t->newest.kind == WEIR_SHM_WAKE)
		return;
	fprintf(out, "%s%s: in %s %s for %s, token %#" PRIx64 "\n",
		t->is_stalled ? "STALLED " : "", t->name,
		weir_shm_kind_name(t->newest.kind),
		top_name(t->newest.handler, name),
		span(t->newest.duration, text), t->newest.token.bits);
}

static void pool(FILE *out, const struct top_sample *s)
{
	char text[16], name[TOP_NAME];

	fprintf(out, "\npool %s, up %s\n", s->shm->pool_name,
		span(s->at - s->shm->start_ns, text));
	fprintf(out, "%-4s %-7s %6s %8s %8s %8s %7s %7s %7s %7s %6s %7s %6s\n",
		"", "state", "for", "turns/s", "events/s", "msgs/s", "p50",
		"p99", "max", "lag p99", "queue", "sources", "stalls");
	for (unsigned i = 0; i < s->threads; i++)
		thread(out, s, &s->thread[i]);
	for (unsigned i = 0; i < s->threads; i++)
		stuck(out, &s->thread[i]);
	fprintf(out, "top talkers of the last %d events a thread\n",
		WEIR_RECORDS_MAX);
	for (size_t i = 0; i < s->talker_count; i++) {
		const struct top_talker *t = &s->talkers[i];

		fprintf(out, "%5.1f %% %8" PRIu64 " calls %8s  %s  %#" PRIx64
			"\n", t->share * 100, t->calls, span(t->ns, text),
			top_name(t->handler, name), t->token.bits);
	}
}

void top_text(FILE *out, pid_t pid, const struct top_sample *samples, int n)
{
	fprintf(out, "weir-top: process %d (q: quit)\n", (int)pid);
	for (int i = 0; i < n; i++)
		pool(out, &samples[i]);
}
