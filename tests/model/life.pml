/* SPDX-License-Identifier: MIT */
/*
 * life.pml - the states of a pool, its two gates, and what is in its queues
 * (src/sync/life.h, src/pool/worker.c, src/pool/drain.c, src/pool/pool.c)
 *
 * One thread makes the pool, starts it, joins it and frees it; two workers
 * send each other messages; a thread outside posts to either; one stops the
 * pool at any moment, also before the start; one drains it.  Any thread may
 * fail to be made, or fail in its own start.
 *
 * Shown: everybody ends; each message that was accepted has been run or
 * returned, once, and by the thread it was sent to if that one was started;
 * nothing has been run if the start failed; the pool ends STOPPED.
 *
 * Memory is sequentially consistent here: the fences are for doorbell.pml.
 *
 * Mutants: -DNO_FIRST_GATE and -DNO_SECOND_GATE leave out a gate,
 * -DNO_CLOSE leaves an inbox open, -DNO_RING stops without ringing,
 * -DNO_LOOK does not look at the state between arming and sleeping.
 */
#define WORKERS 2
#define NEW 0
#define RUNNING 1
#define DRAINING 2
#define STOPPING 3
#define STOPPED 4

byte life = NEW;
byte arrived, gone;		/* under the gate's lock */
bit has_error, may_run;
bit is_started[WORKERS], has_ended[WORKERS];
byte inbox[WORKERS], ring[WORKERS];
bit is_closed[WORKERS], asleep[WORKERS], bell[WORKERS];
byte accepted, run_count, returned;
byte outside = 3;		/* threads outside that may still call */

/* A compare and swap: @moved tells whether it was ours. */
inline move(from, to, moved)
{
	atomic {
		moved = (life == from);
		if
		:: moved -> life = to
		:: else
		fi
	}
}

inline ring_bell(w)
{
	if
	:: atomic { asleep[w] -> asleep[w] = 0; bell[w] = 1 }
	:: atomic { !asleep[w] -> skip }
	fi
}

inline stop(moved)
{
	move(NEW, STOPPED, moved);
	if
	:: !moved ->
		move(RUNNING, STOPPING, moved);
		if
		:: !moved -> move(DRAINING, STOPPING, moved)
		:: else
		fi;
#ifndef NO_RING
		ring_bell(0);
		ring_bell(1)
#endif
	:: else
	fi
}

inline take_all(w, counter)
{
	atomic {
		counter = counter + inbox[w] + ring[w];
		inbox[w] = 0;
		ring[w] = 0
	}
}

proctype worker(byte me)
{
	bit is_sent, moved;

	/* Its own start may fail. */
	atomic {
		if
		:: has_error = 1
		:: skip
		fi;
		arrived++
	}
#ifndef NO_FIRST_GATE
	may_run;
#endif
	do
	:: life >= STOPPING -> break
	:: life < STOPPING ->
		/* What epoll has, then the queues; two steps would be one. */
		atomic {
			bell[me] = 0;
			take_all(me, run_count)
		}
		if
		:: !is_sent ->
			/* Its ring to the other one is never closed. */
			atomic { ring[1 - me]++; accepted++; is_sent = 1 }
			ring_bell(1 - me)
		:: skip
		fi;
		asleep[me] = 1;
		if
#ifndef NO_LOOK
		:: life >= STOPPING
#endif
		:: inbox[me] || ring[me]
		:: else -> bell[me]
		fi;
		asleep[me] = 0
	od;
#ifndef NO_CLOSE
	is_closed[me] = 1;
#endif
	gone++;
#ifndef NO_SECOND_GATE
	gone >= arrived;
#endif
	take_all(me, returned);
	if
	:: atomic { arrived > 1 -> arrived-- }
	:: atomic { arrived == 1 -> arrived-- } move(STOPPING, STOPPED, moved)
	fi;
	has_ended[me] = 1
}

proctype sender()
{
	byte w;

	atomic {
		if
		:: w = 0
		:: w = 1
		fi
	}
	if
	:: atomic { !is_closed[w] -> inbox[w]++; accepted++ }
		ring_bell(w)
	:: atomic { is_closed[w] -> skip }	/* -ECANCELED */
	fi;
	outside--
}

proctype stopper()
{
	bit moved;

	stop(moved);
	outside--
}

/* The time limit, or all being idle, ends a drain. */
proctype drainer()
{
	bit moved;

	move(RUNNING, DRAINING, moved);
	if
	:: moved -> stop(moved)
	:: else
	fi;
	outside--
}

inline start_threads()
{
	if
	:: run worker(0);
		is_started[0] = 1;
		if
		:: run worker(1); is_started[1] = 1
		:: failed = 1
		fi
	:: failed = 1
	fi;
	/* All that were started are at the gate. */
	arrived == is_started[0] + is_started[1] ||
		has_ended[0] || has_ended[1];
	if
	:: failed || has_error -> failed = 1; stop(moved)
	:: else
	fi;
	may_run = 1;
	if
	:: !is_started[0] -> move(STOPPING, STOPPED, moved)
	:: else
	fi
}

active proctype owner()
{
	bit moved, failed;
	byte w;

	atomic { run sender(); run stopper(); run drainer() }
	move(NEW, RUNNING, moved);
	if
	:: moved -> start_threads()
	:: else		/* it was stopped before: -ECANCELED */
	fi;
	/* join */
	for (w : 0 .. WORKERS - 1) {
		!is_started[w] || has_ended[w]
	}
	/* Whoever frees the pool has seen to it that nobody else uses it. */
	outside == 0;
	assert(life == STOPPED);
	assert(!failed || run_count == 0);
	for (w : 0 .. WORKERS - 1) {
		assert(!is_started[w] || inbox[w] + ring[w] == 0);
		take_all(w, returned)
	}
	assert(run_count + returned == accepted)
}
