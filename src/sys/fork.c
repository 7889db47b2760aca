/* SPDX-License-Identifier: MIT */
/*
 * fork.c - has the process forked since?
 *
 * The page holds the process's generation.  The kernel gives a forked child the
 * page filled with zeroes, so there it differs from each generation that was
 * taken before, until the child takes one and gets the next number.  The
 * counter those come from lies outside the page and survives.
 *
 * F1  Along a line of ancestors no number is given twice: a child's counter
 *     begins where its parent's stood.  Cousins may share one, and never meet.
 * F2  The lock lies in the page.  A fork that copies it while another thread
 *     holds it, which would lock the child out for ever, gives the child
 *     zeroes instead, and those are PTHREAD_MUTEX_INITIALIZER on Linux.
 * F3  weir__fork_happened() reads the page without the lock.  Its caller has a
 *     generation, so the page was filled before, and nothing is written to it
 *     again but in a child.  There, while one thread takes the child's first
 *     generation, a second may ask about an object of the parent's: it reads
 *     0 or the new number, and both are not the object's.
 *
 * Where the kernel cannot clear a page (before 4.14) the generation is the
 * process id.
 */
#include "sys/fork.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/fault.h"

struct page {
	uint32_t generation;	/* 0: not taken yet in this process */
	pthread_mutex_t lock;
	pthread_mutex_t shared;	/* weir__fork_lock()'s, for F2's reason */
};

const uint32_t *weir__fork_current;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct page *page;	/* NULL: no such page here */
static uint32_t last;		/* under the page's lock */

static void map_page(void)
{
	struct page *p;

	if (weir__fault(WEIR__CALL_FORK_PAGE) < 0)
		return;
	p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return;
	if (madvise(p, sizeof(*p), MADV_WIPEONFORK) < 0) {
		munmap(p, sizeof(*p));
		return;
	}
	page = p;
	weir__fork_current = &p->generation;
}

uint32_t weir__fork_generation(void)
{
	uint32_t generation;

	pthread_once(&once, map_page);
	if (!page)
		return (uint32_t)getpid();
	pthread_mutex_lock(&page->lock);
	if (page->generation == 0)
		page->generation = ++last;
	generation = page->generation;
	pthread_mutex_unlock(&page->lock);
	return generation;
}

/* Where there is no page a child may find it locked: see doc/fork.md. */
static pthread_mutex_t no_page = PTHREAD_MUTEX_INITIALIZER;

void weir__fork_lock(void)
{
	pthread_once(&once, map_page);
	pthread_mutex_lock(page ? &page->shared : &no_page);
}

void weir__fork_unlock(void)
{
	pthread_mutex_unlock(page ? &page->shared : &no_page);
}

bool weir__fork_happened_by_pid(uint32_t generation)
{
	return (uint32_t)getpid() != generation;
}
