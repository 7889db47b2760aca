/* SPDX-License-Identifier: MIT */
/*
 * pool/spawn.c - a program is run, limited, and told of once it has ended
 *
 *     running --limit--> told to end --grace--> killed
 *        |                    |                    |
 *        +------ its process has ended (a zombie) -+
 *        |
 *     output read to its end, or grace over --> reaped, on_end(), freed
 *
 * All of it happens on the thread of one reactor, so there is no race to win:
 *
 * C1  The zombie is reaped by nobody but end(), and on_end() comes right after
 *     it. Up to then the process's number, and its group's, is nobody else's:
 *     a signal reaches the child or what it left behind.
 * C2  Each child is reaped: end() is called at its end or, after SIGKILL, when
 *     the reactor ends. SIGKILL leaves it no choice, so waiting then is short.
 * C3  Nothing is asked twice: an end is an edge on the pidfd, a limit a timer.
 *     Without pidfds SIGCHLD is the edge: the control thread tells the workers,
 *     who look at theirs.
 */
#include "pool/spawn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir/source.h>
#include <weir/timer.h>

#include "base/ns.h"
#include "loop/source.h"
#include "pool/pool.h"
#include "sys/child.h"
#include "sys/fork.h"
#include "sys/io.h"
#include "sys/spawn.h"

/* What one collects unless told: more is rather streamed. */
enum { COLLECT_BYTES = 1 << 20 };

/* sd_listen_fds() and the like pass a handful. */
enum { FDS_MAX = 256 };

static const weir_ns GRACE_NS = WEIR_NS_PER_SEC;

/* How soon to try again when a worker's queue was full. */
static const weir_ns RETRY_NS = 5 * WEIR_NS_PER_MSEC;

/* --- The end --- */

static void free_child(struct weir__spawned *child)
{
	for (int i = 0; i < 3; i++) {
		weir__stream_close(&child->streams[i]);
		free(child->streams[i].bytes);
	}
	weir__list_remove(&child->attached.link);
	weir__list_remove(&child->link);
	weir_source_remove(child->r, child->source);
	weir_source_remove(child->r, child->token);
	weir_timer_free(child->timer);
	if (child->pidfd >= 0)
		weir__close(child->pidfd);
	free(child);
}

/* Of a child that is dead.  C1 */
static void reap(struct weir__spawned *child, struct weir_child_status *status)
{
	siginfo_t info;
	int r = child->pidfd >= 0 ? weir__wait_pidfd(child->pidfd, &info)
				  : weir__wait_pid(child->pid, &info);

	status->pid = child->pid;
	if (r > 0) {
		status->code = info.si_code;
		status->status = info.si_status;
	} else {
		child->flags |= WEIR_CHILD_LOST;
	}
}

/* C2 */
static void end(struct weir__spawned *child)
{
	char *out = child->streams[1].bytes;
	char *err = child->streams[2].bytes;
	struct weir_child_result result = {
		.out = out,
		.err = err,
		.out_bytes = out ? child->streams[1].total : 0,
		.err_bytes = err ? child->streams[2].total : 0,
	};
	struct weir_reactor *r = child->r;
	weir_child_end_fn *on_end = child->on_end;
	void *data = child->data;

	reap(child, &result.status);
	result.flags = child->flags;
	/* What on_end() needs goes on living; the token does not. */
	child->streams[1].bytes = NULL;
	child->streams[2].bytes = NULL;
	free_child(child);
	on_end(r, &result, data);
	free(out);
	free(err);
}

void weir__spawned_settle(struct weir__spawned *child)
{
	if (child->is_dead && child->streams[1].fd < 0 &&
	    child->streams[2].fd < 0)
		end(child);
}

void weir__spawned_stop(struct weir__spawned *child)
{
	child->flags |= WEIR_CHILD_STOPPED;
	weir__group_kill(child->pidfd, child->pid, SIGKILL);
	/* It may have left its group. */
	if (child->pidfd >= 0)
		weir__pidfd_signal(child->pidfd, SIGKILL);
	weir__wait_dead(child->pidfd, child->pid);
	end(child);
}

static struct weir__spawned *spawned_of(struct weir__attached *attached)
{
	return WEIR__CONTAINER(attached, struct weir__spawned, attached);
}

/* In a forked child: it is the parent's. */
static void orphan(struct weir__attached *attached)
{
	free_child(spawned_of(attached));
}

static void end_with_reactor(struct weir__attached *attached)
{
	struct weir__spawned *child = spawned_of(attached);

	if (weir__reactor_is_abandoned(child->r))
		free_child(child);
	else
		weir__spawned_stop(child);
}

/* Has it ended?  It stays a zombie while its output is read. */
static void look(struct weir__spawned *child)
{
	if (child->is_dead ||
	    weir__child_is_dead(child->pidfd, child->pid) == 0)
		return;
	child->is_dead = true;
	weir_source_remove(child->r, child->source);
	weir__list_remove(&child->link);
	weir__stream_close(&child->streams[0]);
	weir_timer_start(child->timer, child->grace);
	weir__spawned_settle(child);
}

static enum weir_verdict on_pidfd(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	(void)r;
	if (event->facts & WEIR_STOPPING)
		weir__spawned_stop(data);
	else if (event->facts & (WEIR_READABLE | WEIR_HANGUP))
		look(data);
	return WEIR_DONE;
}

/* Of the user's token.  Its address is what tells that it is one of ours. */
static enum weir_verdict on_token(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	(void)r;
	if (event->facts & WEIR_STOPPING)
		weir__spawned_stop(data);
	else if (event->facts & WEIR_HANGUP)
		look(data);
	return WEIR_DONE;
}

struct weir__spawned *weir__spawned_get(const struct weir_reactor *r,
					weir_token token)
{
	const struct weir__source *s = weir__source_get(r, token);

	return s && s->fn == on_token ? s->data : NULL;
}

/* The limit, the grace of one that was told to end, or that of its output. */
static void on_timer(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	struct weir__spawned *child = data;
	int signo = child->is_timed_out ? SIGKILL : child->limit_signo;

	(void)r;
	if (child->is_dead) {
		child->is_grace_over = true;
		weir__stream_give_up(&child->streams[1]);
		weir__stream_give_up(&child->streams[2]);
		weir__spawned_settle(child);
		return;
	}
	child->is_timed_out = true;
	child->flags |= WEIR_CHILD_TIMED_OUT;
	weir__group_kill(child->pidfd, child->pid, signo);
	if (child->pidfd >= 0 && signo == SIGKILL)
		weir__pidfd_signal(child->pidfd, signo);
	if (signo != SIGKILL)
		weir_timer_start(t, child->grace);
}

/* --- Without pidfds: C3 --- */

static struct weir__worker *worker_of(const struct weir_reactor *r)
{
	return r->hooks_data;
}

/* Look at each of this thread's children once, whatever that adds or ends. */
static void look_at_all(struct weir__worker *w)
{
	struct weir__list *node;
	size_t n = 0;

	for (node = w->spawned.next; node != &w->spawned; node = node->next)
		n++;
	while (n-- > 0 && (node = weir__list_take(&w->spawned)) != NULL) {
		weir__list_push(&w->spawned, node);
		look(WEIR__CONTAINER(node, struct weir__spawned, link));
	}
}

static void look_run(struct weir_reactor *r, const struct weir_msg *msg,
		     void *data)
{
	(void)msg;
	(void)data;
	look_at_all(worker_of(r));
}

static const struct weir_call look_call = { .run = look_run };

/* On the control thread: tell the workers that have not been told. */
static void tell(struct weir_reactor *control, struct weir_timer *t, void *data)
{
	struct weir_pool *pool = data;

	(void)control;
	for (; pool->spawn_told < pool->workers; pool->spawn_told++) {
		if (weir__post_reserved(pool, pool->spawn_told, &look_call,
					NULL, 0) == -EAGAIN) {
			weir_timer_start(t, RETRY_NS);
			return;
		}
	}
}

int weir__spawns_start(struct weir_pool *pool)
{
	return weir_timer_new(weir__pool_reactor(pool, WEIR_CONTROL), tell,
			      pool, &pool->spawn_timer);
}

void weir__spawns_look(struct weir_pool *pool)
{
	struct weir_reactor *control = weir__pool_reactor(pool, WEIR_CONTROL);

	if (!weir__flag_is_set(&pool->spawns_without_pidfd))
		return;
	pool->spawn_told = 0;
	tell(control, pool->spawn_timer, pool);
	look_at_all(worker_of(control));
}

/*
 * Is there a way to hear of its end? Found out with a pidfd of our own, so that
 * no child is made that could not be watched.
 *
 * Return: a descriptor that keeps the number for the child's; -1: SIGCHLD will
 * tell; else why not.
 */
static int reserve_pidfd(struct weir_reactor *r)
{
	const struct weir__worker *w = worker_of(r);
	int fd = weir__pidfd_open(getpid());

	/* The kernel has none, or a seccomp filter does not know them. */
	if (fd != -ENOSYS && fd != -EPERM)
		return fd;
	if (!w || !w->pool->signals)
		return -ENOSYS;
	weir__flag_set(&w->pool->spawns_without_pidfd);
	return -1;
}

/* --- The begin --- */

static int check_stdio(const struct weir_child_options *o)
{
	for (int i = 0; i < 3; i++) {
		const struct weir_child_stdio *s = &o->stdio[i];

		switch (s->how) {
		case WEIR_CHILD_NULL:
		case WEIR_CHILD_INHERIT:
		case WEIR_CHILD_PIPE:
			break;
		case WEIR_CHILD_FD:
			if (s->fd < 0)
				return -EBADF;
			break;
		case WEIR_CHILD_JOIN:
			if (i == 2)
				break;
			return -EINVAL;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

static int check(const struct weir_child_options *o)
{
	if (!o || o->size != sizeof(*o) || !o->argv || !o->argv[0] ||
	    !o->on_end || o->fd_count > FDS_MAX || (o->fd_count && !o->fds) ||
	    (!o->input && o->input_bytes) ||
	    (o->input && o->stdio[0].how != WEIR_CHILD_PIPE) ||
	    o->limit_signo < 0 || o->limit_signo > SIGRTMAX)
		return -EINVAL;
	for (size_t i = 0; i < o->fd_count; i++)
		if (o->fds[i] < 0)
			return -EBADF;
	return check_stdio(o);
}

static void fill_stream(struct weir__spawned *child, int which,
			const struct weir_child_options *o)
{
	struct weir__stream *s = &child->streams[which];

	s->child = child;
	s->which = which;
	s->fd = -1;
	s->token = weir_token_none();
	s->limit = o->stdio[which].limit_bytes;
	if (s->limit == 0)
		s->limit = o->on_bytes ? SIZE_MAX : COLLECT_BYTES;
	if (which != 0)
		return;
	s->is_given = o->input != NULL;
	s->left = o->input;
	s->left_bytes = o->input_bytes;
}

static int make(struct weir_reactor *r, const struct weir_child_options *o,
		struct weir__spawned **ret_child)
{
	struct weir__spawned *child = calloc(1, sizeof(*child));
	int err;

	if (!child)
		return -ENOMEM;
	child->attached.free = end_with_reactor;
	child->attached.orphan = orphan;
	weir__reactor_attach(r, &child->attached);
	weir__list_init(&child->link);
	child->r = r;
	child->pidfd = -1;
	for (int i = 0; i < 3; i++)
		fill_stream(child, i, o);
	child->limit_signo = o->limit_signo ? o->limit_signo : SIGKILL;
	child->grace = o->grace ? o->grace : GRACE_NS;
	child->on_bytes = o->on_bytes;
	child->on_room = o->on_room;
	child->on_end = o->on_end;
	child->data = o->data;
	err = weir_timer_new(r, on_timer, child, &child->timer);
	if (err == 0)
		err = weir_source_open(r, on_token, child, &child->token);
	if (err < 0) {
		free_child(child);
		return err;
	}
	weir__source_pin(r, child->token, true);
	*ret_child = child;
	return 0;
}

/*
 * Ours of that number, as exec would hand it on. Where ours was closed an epoll
 * set or the like of ours may have its number, which is close-on-exec.
 */
static int inherited(int fd)
{
	return weir__fd_cloexec_get(fd) == 0 ? fd : WEIR__FD_CLOSED;
}

/* What the child gets as 0, 1, 2; the ends in @ends are to be closed. */
static int make_stdio(struct weir__spawned *child,
		      const struct weir_child_options *o, int fds[3],
		      int ends[3])
{
	int err = 0;

	for (int i = 0; err == 0 && i < 3; i++) {
		switch (o->stdio[i].how) {
		case WEIR_CHILD_INHERIT:
			fds[i] = inherited(i);
			break;
		case WEIR_CHILD_FD:
			fds[i] = o->stdio[i].fd;
			break;
		case WEIR_CHILD_PIPE:
			err = weir__stream_open(child, i, &ends[i]);
			fds[i] = ends[i];
			break;
		case WEIR_CHILD_JOIN:
			fds[i] = fds[1];
			break;
		case WEIR_CHILD_NULL:
		default:
			fds[i] = WEIR__FD_NULL;
			break;
		}
	}
	return err;
}

/* Return: 0 or why there is no child. */
static int run(struct weir__spawned *child, const struct weir_child_options *o)
{
	int ends[3] = { -1, -1, -1 };
	struct weir__spawn s = {
		.file = o->file ? o->file : o->argv[0],
		.argv = o->argv,
		.env = o->env ? o->env : environ,
		.cwd = o->cwd,
		.fd_count = 3 + o->fd_count,
	};
	int *fds = calloc(s.fd_count, sizeof(*fds));
	pid_t pid;

	if (!fds)
		return -ENOMEM;
	weir__signals_before(&s.mask);
	pid = make_stdio(child, o, fds, ends);
	for (size_t i = 0; i < o->fd_count; i++)
		fds[3 + i] = o->fds[i];
	s.fds = fds;
	if (pid == 0)
		pid = weir__spawn(&s);
	for (int i = 0; i < 3; i++)
		if (ends[i] >= 0)
			weir__close(ends[i]);
	free(fds);
	child->pid = pid;
	return pid < 0 ? pid : 0;
}

/* The child runs: hear of its end, which may have come already. */
static int watch(struct weir__spawned *child, int reserved)
{
	int err;

	if (reserved < 0) {
		weir__list_push(&worker_of(child->r)->spawned, &child->link);
		return weir_source_again(child->r, child->token, WEIR_HANGUP);
	}
	weir__close(reserved);
	child->pidfd = weir__pidfd_open(child->pid);
	if (child->pidfd == -ESRCH)
		return -ECHILD;		/* reaped by an ignored SIGCHLD */
	if (child->pidfd < 0)
		return child->pidfd;
	err = weir_source_add_flags(child->r, child->pidfd, EPOLLIN | EPOLLET,
				    on_pidfd, child, &child->source);
	if (err == 0)
		weir__source_pin(child->r, child->source, true);
	return err;
}

/* Nobody would hear of it: as if it had never been. */
static void undo(struct weir__spawned *child)
{
	siginfo_t info;

	if (weir__child_is_dead(child->pidfd, child->pid) < 0)
		return;
	weir__group_kill(child->pidfd, child->pid, SIGKILL);
	weir__wait_dead(child->pidfd, child->pid);
	weir__wait_pid(child->pid, &info);
}

static int launch(struct weir__spawned *child,
		  const struct weir_child_options *o)
{
	int reserved = reserve_pidfd(child->r);
	int err;

	if (reserved < -1)
		return reserved;
	err = run(child, o);
	if (err < 0) {
		if (reserved >= 0)
			weir__close(reserved);
		return err;
	}
	err = watch(child, reserved);
	if (err < 0)
		undo(child);
	return err;
}

int weir_child_spawn(struct weir_reactor *r,
		     const struct weir_child_options *options,
		     weir_token *ret_token)
{
	struct weir__spawned *child;
	int err;

	if (weir__fork_happened(r->fork_generation))
		return -ECHILD;
	err = check(options);
	if (err == 0)
		err = make(r, options, &child);
	if (err < 0)
		return err;
	err = launch(child, options);
	if (err < 0) {
		free_child(child);
		return err;
	}
	if (options->limit > 0)
		weir_timer_start_at(child->timer, weir__ns_add(weir_clock(),
							options->limit));
	*ret_token = child->token;
	weir__stream_start(&child->streams[0]);
	return 0;
}
