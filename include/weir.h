/* SPDX-License-Identifier: MIT */
#ifndef WEIR_H
#define WEIR_H

/*
 * weir.h - everything at once
 *
 * Each header below can be included alone; none needs another one before it.
 */
#include <weir/ask.h>
#include <weir/base.h>
#include <weir/broadcast.h>
#include <weir/buffer.h>
#include <weir/child.h>
#include <weir/connect.h>
#include <weir/counter.h>
#include <weir/eventfd.h>
#include <weir/fd.h>
#include <weir/inotify.h>
#include <weir/listener.h>
#include <weir/memory.h>
#include <weir/message.h>
#include <weir/move.h>
#include <weir/pool.h>
#include <weir/reactor.h>
#include <weir/recorder.h>
#include <weir/relay.h>
#include <weir/shm.h>
#include <weir/sigfd.h>
#include <weir/signal.h>
#include <weir/snapshot.h>
#include <weir/source.h>
#include <weir/stats.h>
#include <weir/timer.h>
#include <weir/timerfd.h>
#include <weir/tree.h>
#include <weir/unix.h>
#include <weir/watch.h>
#include <weir/watchdog.h>

#endif /* WEIR_H */
