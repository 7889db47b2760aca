/* SPDX-License-Identifier: MIT */
/*
 * doorbell.pml - no wake-up is lost (src/sync/doorbell.h)
 *
 * Two senders, which belong to no worker, and two workers, of which the first
 * also sends to the second.  Each sends MESSAGES to each.
 *
 * Spin's memory is sequentially consistent; a machine's is not.  What matters
 * to this protocol is that a store may become visible to others after later
 * loads of its own thread, so each store of the protocol goes into a buffer of
 * its thread, which the process "memory" empties whenever it likes, and a
 * fence empties at once.  A swap works on memory without emptying anything,
 * which is less than x86 promises and as much as the relaxed one of the code.
 *
 * A lost wake-up is a worker that waits for its bell for ever: Spin calls that
 * an invalid end state.
 *
 * Mutants: -DNO_D1, -DNO_D2 leave out a fence; -DNO_LOOK does not look at the
 * queues after arming; -DNO_RING lets a sender that saw the worker asleep
 * forget to write.
 */
#ifndef MESSAGES
#define MESSAGES 1
#endif
#define SENDERS 2
#define WORKERS 2
#define THREADS 4	/* the senders, then the workers */
#define TO_FIRST (SENDERS * MESSAGES)
#define TO_SECOND (SENDERS * MESSAGES + MESSAGES)

/* One index for the pair of a thread and a worker. */
#define PAIR(thread, worker) ((thread) * WORKERS + (worker))

byte queue[WORKERS];		/* visible messages */
byte pushed[THREADS * WORKERS];	/* pushed, not visible yet */
bit asleep[WORKERS];
bit will_be[WORKERS];		/* the worker's own store to asleep ... */
bit is_buffered[WORKERS];	/* ... which is not visible yet */
bit bell[WORKERS];		/* an edge of the eventfd that epoll has */

inline show_push(thread, w)
{
	queue[w] = queue[w] + pushed[PAIR(thread, w)];
	pushed[PAIR(thread, w)] = 0
}

inline show_asleep(w)
{
	if
	:: is_buffered[w] ->
		asleep[w] = will_be[w];
		is_buffered[w] = 0;
		will_be[w] = 0
	:: else
	fi
}

/* Before a fence everything of the thread becomes visible. */
inline fence(thread)
{
	atomic {
		show_push(thread, 0);
		show_push(thread, 1);
		if
		:: (thread) == SENDERS -> show_asleep(0)
		:: (thread) == SENDERS + 1 -> show_asleep(1)
		:: else
		fi
	}
}

inline set_asleep(w, value)
{
	atomic {
		will_be[w] = value;
		is_buffered[w] = 1
	}
}

inline push_and_ring(thread, w)
{
	pushed[PAIR(thread, w)]++;
#ifndef NO_D1
	fence(thread);				/* D1 */
#endif
	if
	:: asleep[w] ->				/* A2 */
		if
		:: atomic { asleep[w] -> asleep[w] = 0 }	/* A3 */
#ifndef NO_RING
			; bell[w] = 1
#endif
		:: atomic { !asleep[w] -> skip }
		fi
	:: !asleep[w]
	fi
}

/* It has nothing to do, and so is no reason for others to go on, if all is seen. */
active proctype memory()
{
end:	do
	:: atomic { pushed[PAIR(0, 0)] -> show_push(0, 0) }
	:: atomic { pushed[PAIR(0, 1)] -> show_push(0, 1) }
	:: atomic { pushed[PAIR(1, 0)] -> show_push(1, 0) }
	:: atomic { pushed[PAIR(1, 1)] -> show_push(1, 1) }
	:: atomic { pushed[PAIR(2, 1)] -> show_push(2, 1) }
	:: atomic { is_buffered[0] -> show_asleep(0) }
	:: atomic { is_buffered[1] -> show_asleep(1) }
	od
}

proctype sender(byte me)
{
	byte sent;

	for (sent : 1 .. MESSAGES) {
		push_and_ring(me, 0);
		push_and_ring(me, 1)
	}
}

proctype worker(byte me; byte expected)
{
	byte taken, sent;
	byte thread = SENDERS + me;

	do
	:: true ->
		/* A turn: what epoll has is taken, then the queues. */
		bell[me] = 0;
		atomic {
			taken = taken + queue[me];
			queue[me] = 0
		}
		if
		:: me == 0 && sent < MESSAGES ->
			push_and_ring(thread, 1);
			sent++
		:: else
		fi;
		if
		:: taken == expected -> break
		:: else
		fi;
		set_asleep(me, 1);		/* A1 */
#ifndef NO_D2
		fence(thread);			/* D2 */
#endif
#ifndef NO_LOOK
		if
		:: queue[me] -> set_asleep(me, 0); goto next	/* A4 */
		:: queue[me] == 0
		fi;
#endif
		bell[me];			/* epoll_pwait2 */
		set_asleep(me, 0);		/* A4 */
next:		skip
	od;
	assert(taken == expected && queue[me] == 0)
}

init {
	atomic {
		run sender(0);
		run sender(1);
		run worker(0, TO_FIRST);
		run worker(1, TO_SECOND)
	}
}
