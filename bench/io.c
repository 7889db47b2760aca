/* SPDX-License-Identifier: MIT */
/* io.c - what io.h and work.h share among peers */
#include "io.h"

#include "work.h"

char work_answers[WORK_HTTP_BATCH * sizeof(WORK_HTTP_ANSWER)];

/* One answer after the other, to be sent in one write. */
static void fill_answers(void)
{
	const size_t one = sizeof(WORK_HTTP_ANSWER) - 1;

	for (size_t i = 0; i < WORK_HTTP_BATCH; i++)
		memcpy(work_answers + i * one, WORK_HTTP_ANSWER, one);
}

int io_open(const struct io_ops *ops, enum io_mode mode, struct io_job *job)
{
	int err;

	if (!work_answers[0])
		fill_answers();
	for (size_t i = 0; i < job->count; i++) {
		job->slots[i].job = job;
		job->slots[i].number = (unsigned)i;
		job->slots[i].matched = 0;
	}
	job->stop = ops->stop;
	err = ops->open(job, mode, &job->loop);
	if (err < 0)
		return err;
	err = ops->add_all(job->loop);
	if (err < 0)
		ops->close(job->loop);
	return err;
}
