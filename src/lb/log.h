/* SPDX-License-Identifier: MIT */
#ifndef LB_LOG_H
#define LB_LOG_H

/*
 * lb/log.h - lines for people on stderr, lines for programs on stdout
 *
 * Each line leaves with one write(2), so lines of different threads do not mix.
 * A reader that has stopped reading costs lines, never a worker's time: what a
 * full pipe does not take is dropped, and the log says how many lines that was.
 */

/* Those of <weir/pool.h>: WEIR_LOG_ERROR, WEIR_LOG_WARNING, WEIR_LOG_INFO. */

/**
 * lb_log() - write a line with time and level to stderr
 * @level:  WEIR_LOG_*
 * @format: as printf(3); without a newline
 *
 * Threads: any.
 */
void lb_log(int level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * lb_log_pool() - lb_log() as a weir_log_fn
 * @level: WEIR_LOG_*
 * @text:  one line
 * @data:  not used
 *
 * Threads: any.
 */
void lb_log_pool(int level, const char *text, void *data);

/**
 * lb_emit() - write text to a descriptor if it takes it at once
 * @fd:   the descriptor
 * @text: whole lines
 *
 * Threads: any.
 * Return:  0, -EAGAIN (a full pipe: nothing was written) or a negative errno of
 *          write(2).
 */
int lb_emit(int fd, const char *text);

#endif /* LB_LOG_H */
