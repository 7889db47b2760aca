/* SPDX-License-Identifier: MIT */
/* top/json.c - a look, for scripts */
#include "top/top.h"

#include <inttypes.h>

static const char *const histograms[] = {
	[WEIR_SHM_TURN_NS] = "turn_ns",
	[WEIR_SHM_TIMER_LAG_NS] = "timer_lag_ns",
	[WEIR_SHM_TURN_EVENTS] = "turn_events",
	[WEIR_SHM_QUEUE_NS] = "queue_ns",
};

/* Names come from another process. */
static void string(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

static void quantiles(FILE *out, const struct top_quantiles *q)
{
	fprintf(out, "{\"count\": %" PRIu64 ", \"p50\": %" PRIu64
		", \"p99\": %" PRIu64 ", \"max\": %" PRIu64 "}",
		q->total, q->p50, q->p99, q->max);
}

static void handler(FILE *out, uintptr_t address, weir_token token)
{
	char name[TOP_NAME];

	fputs("\"handler\": ", out);
	string(out, top_name(address, name));
	fprintf(out, ", \"address\": \"0x%" PRIxPTR "\", \"token\": \"0x%"
		PRIx64 "\"", address, token.bits);
}

static void thread(FILE *out, const struct weir_shm *shm,
		   const struct top_thread *t)
{
	fprintf(out, "{\"name\": \"%s\", \"state\": \"%s\", \"state_ns\": %"
		PRIu64 ", \"turn_max_ns\": %" PRIu64 ",\n     \"newest\": "
		"{\"kind\": \"%s\", ", t->name, top_state(t), t->state_ns,
		t->turn_max_ns, weir_shm_kind_name(t->newest.kind));
	handler(out, t->newest.handler, t->newest.token);
	fprintf(out, ", \"ns\": %" PRIu64 "},\n     \"numbers\": {",
		t->newest.duration);
	for (unsigned i = 0; i < shm->numbers; i++) {
		fputs(i ? ", " : "", out);
		string(out, top_number_name(shm, i));
		fprintf(out, ": %" PRIu64, t->numbers[i]);
	}
	fputs("},\n     \"rates\": {", out);
	for (unsigned i = 0; i < shm->numbers; i++) {
		fputs(i ? ", " : "", out);
		string(out, top_number_name(shm, i));
		fprintf(out, ": %.1f", t->rates[i]);
	}
	fputs("},\n     \"histograms\": {", out);
	for (unsigned i = 0; i <= WEIR_SHM_QUEUE_NS; i++) {
		fprintf(out, "%s\"%s\": {\"start\": ", i ? ", " : "",
			histograms[i]);
		quantiles(out, &t->since[i]);
		fputs(", \"span\": ", out);
		quantiles(out, &t->span[i]);
		fputs("}", out);
	}
	fputs("}}", out);
}

static void pool(FILE *out, const struct top_sample *s)
{
	fputs("  {\"name\": ", out);
	string(out, s->shm->pool_name);
	fprintf(out, ", \"up_ns\": %" PRIu64 ", \"span_ns\": %" PRIu64
		", \"threads\": [", s->at - s->shm->start_ns, s->span_ns);
	for (unsigned i = 0; i < s->threads; i++) {
		fputs(i ? ",\n    " : "\n    ", out);
		thread(out, s->shm, &s->thread[i]);
	}
	fputs("],\n   \"talkers\": [", out);
	for (size_t i = 0; i < s->talker_count; i++) {
		const struct top_talker *t = &s->talkers[i];

		fputs(i ? ",\n    {" : "\n    {", out);
		handler(out, t->handler, t->token);
		fprintf(out, ", \"calls\": %" PRIu64 ", \"ns\": %" PRIu64
			", \"share\": %.4f}", t->calls, t->ns, t->share);
	}
	fputs("]}", out);
}

void top_json(FILE *out, pid_t pid, const struct top_sample *samples, int n)
{
	fprintf(out, "{\"pid\": %d, \"pools\": [\n", (int)pid);
	for (int i = 0; i < n; i++) {
		pool(out, &samples[i]);
		fputs(i + 1 < n ? ",\n" : "\n", out);
	}
	fputs("]}\n", out);
}
