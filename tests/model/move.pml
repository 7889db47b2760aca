/* SPDX-License-Identifier: MIT */
/*
 * move.pml - messages follow a registration that moves (src/pool/move.c)
 *
 * Worker A has a registration and moves it to worker B at any moment, while a
 * thread of the pool (P) and one outside (F) send it numbered messages.
 *
 * Shown: each message is run once, in the order of its sender, and none is
 * left anywhere.  A message that is lost keeps the process "all" waiting,
 * which Spin calls an invalid end state.
 *
 * P's messages are seen by others when P flushes, which is before its next
 * quiescent state.  F claims a cell, looks at the owner again, and voids the
 * cell if it has changed.  The accesses that this rests on are sequentially
 * consistent in the code too (T5, T7, Q8, Q9), as all are here.
 *
 * Mutants:
 *   -DNO_GRACE	 A does not wait for those that may hold the old owner
 *   -DNO_MARKS	 A does not wait until what its queues had is taken
 *   -DEARLY_MARKS  A notes where its queues end before it names the new owner
 *   -DNO_MARKER  B runs what reaches it before the marker
 *   -DNO_SECOND_LOOK  F does not look at the owner again
 *   -DLATE_CLAIM  F looks again before it claims
 *   -DHELD_FIRST	 B runs what it held before what A forwards
 */
#define MESSAGES 2
#define CELLS 4
#define SENDERS 2
#define FREE 0		/* a cell of an inbox */
#define CLAIMED 1
#define WRITTEN 2
#define VOID 3
#define AT_A 0		/* the token's word */
#define TRANSIT 1	/* B is named, but has not seen it */
#define AT_B 2

byte word = AT_A;
byte next[SENDERS];	/* the number that is run next */
byte run_count;

/* A message is sender * MESSAGES + number. */
chan ring_pa = [MESSAGES] of { byte };
chan ring_pb = [MESSAGES] of { byte };
chan unseen_pa = [MESSAGES] of { byte };
chan unseen_pb = [MESSAGES] of { byte };
/* The inboxes of A, which is 0, and of B. */
#define AT(w, position) ((w) * CELLS + (position))
byte cell[2 * CELLS], msg[2 * CELLS];
byte tail[2], head[2];
byte taken_pa, seen_pa;	/* positions of the ring from P to A */

chan strays = [SENDERS * MESSAGES] of { byte };
chan held = [SENDERS * MESSAGES] of { byte };
bit arrive, marker, has_arrived, is_open;
bit asks_grace, has_grace;
byte quiescent;		/* how many P has passed */
bit is_offline;

inline run_message(m)
{
	assert(next[(m) / MESSAGES] == (m) % MESSAGES);
	next[(m) / MESSAGES]++;
	run_count++
}

inline a_has(m)
{
	if
	:: word == AT_A -> run_message(m)
	:: else -> strays!m
	fi
}

inline b_has(m)
{
	if
#ifndef NO_MARKER
	:: word == TRANSIT || !is_open -> held!m
	:: else -> run_message(m)
#else
	:: word == TRANSIT -> held!m
	:: else -> run_message(m)
#endif
	fi
}

inline run_all(queue)
{
	do
	:: nempty(queue) -> queue?m; run_message(m)
	:: empty(queue) -> break
	od
}

#ifdef NO_MARKS
#define IS_TAKEN true
#else
#define IS_TAKEN (head[0] >= mark_inbox && taken_pa >= mark_ring)
#endif

proctype a()
{
	byte m, mark_inbox, mark_ring;
	bit has_marks;

#ifdef EARLY_MARKS
	mark_inbox = tail[0];
	mark_ring = seen_pa;
#endif
end:	do
	/* What is in the queues, a message at a time. */
	:: atomic { cell[AT(0, head[0])] == WRITTEN ->
		m = msg[AT(0, head[0])];
		head[0]++;
		a_has(m);
		m = 0 }
	:: atomic { cell[AT(0, head[0])] == VOID -> head[0]++ }
	:: atomic { nempty(ring_pa) ->
		ring_pa?m;
		taken_pa++;
		a_has(m);
		m = 0 }
	/* The move. */
	:: word == AT_A && !asks_grace ->
		word = TRANSIT;				/* A4 */
		arrive = 1;				/* A6 */
		asks_grace = 1
#ifndef NO_GRACE
	:: has_grace && !has_marks ->			/* A7 */
#else
	:: asks_grace && !has_marks ->
#endif
#ifndef EARLY_MARKS
		mark_inbox = tail[0];
		mark_ring = seen_pa;
#endif
		has_marks = 1
	:: atomic { has_marks && !marker && IS_TAKEN ->
		marker = 1 }				/* A8, A9 */
	od
}

proctype b()
{
	byte m;

end:	do
	:: atomic { cell[AT(1, head[1])] == WRITTEN ->
		m = msg[AT(1, head[1])];
		head[1]++;
		b_has(m);
		m = 0 }
	:: atomic { cell[AT(1, head[1])] == VOID -> head[1]++ }
	:: atomic { nempty(ring_pb) ->
		ring_pb?m;
		b_has(m);
		m = 0 }
	:: atomic { arrive && !has_arrived ->		/* B1, B2 */
		has_arrived = 1;
		word = AT_B }
	:: atomic { has_arrived && marker && !is_open ->
		is_open = 1;				/* B4 */
#ifdef HELD_FIRST
		run_all(held);
		run_all(strays);
#else
		run_all(strays);			/* B5 */
		run_all(held);				/* B6 */
#endif
		m = 0 }
	od
}

/* The grace period, with P as the only reader. */
proctype r()
{
	byte before;

end:	asks_grace;
	before = quiescent;
	quiescent != before || is_offline;
	has_grace = 1
}

inline flush()
{
	do
	:: atomic { nempty(unseen_pa) ->
		unseen_pa?m;
		ring_pa!m;
		seen_pa++ }
	:: atomic { nempty(unseen_pb) -> unseen_pb?m; ring_pb!m }
	:: empty(unseen_pa) && empty(unseen_pb) -> break
	od;
	m = 0;
	quiescent++
}

proctype p()
{
	byte i, m;
	bit to_a;

	for (i : 0 .. MESSAGES - 1) {
		to_a = (word == AT_A);
		if
		:: to_a -> unseen_pa!i
		:: !to_a -> unseen_pb!i
		fi;
		if
		:: flush()
		:: skip
		fi
	}
	flush();
	is_offline = 1
}

inline look_again()
{
	is_same = (at == (word != AT_A))
}

proctype f()
{
	byte i, mine;
	bit at, is_same;

	do
	:: i < MESSAGES ->
		at = (word != AT_A);		/* 1 */
		is_same = 1;
#ifdef LATE_CLAIM
		look_again();
#endif
		atomic {			/* 2 */
			mine = AT(at, tail[at]);
			cell[mine] = CLAIMED;
			tail[at]++
		}
#ifndef NO_SECOND_LOOK
#ifndef LATE_CLAIM
		look_again();			/* 3 */
#endif
#endif
		if
		:: is_same ->			/* 4a */
			msg[mine] = MESSAGES + i;
			cell[mine] = WRITTEN;
			i++
		:: !is_same -> cell[mine] = VOID	/* 4b */
		fi
	:: i == MESSAGES -> break
	od
}

/* Whoever was told that its messages are accepted can count on them. */
proctype all()
{
	run_count == SENDERS * MESSAGES
}

init {
	atomic { run a(); run b(); run r(); run p(); run f(); run all() }
}
