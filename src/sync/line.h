/* SPDX-License-Identifier: MIT */
/*
 * sync/line.h - how far apart two threads' data must lie
 *
 * 128 bytes, not 64: x86 prefetches lines in pairs, and some arm64 cores have
 * lines of 128.
 */
#ifndef WEIR_SYNC_LINE_H
#define WEIR_SYNC_LINE_H

#define WEIR__LINE 128

#endif /* WEIR_SYNC_LINE_H */
