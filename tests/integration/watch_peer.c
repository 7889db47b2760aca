/* SPDX-License-Identifier: MIT */
/*
 * watch_peer.c - makes a storm of changes, or keeps a mirror of a tree
 *
 *     watch_peer storm FOLDER COUNT SEED    COUNT operations, then FOLDER/END
 *     watch_peer mirror FOLDER LOG          says "ready" when it has begun;
 *                                           after END and a MARK of its own
 *                                           compares, and ends
 */
#include <weir.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRIES_MAX = 65536 };

struct entry {
	char *path;
	uint64_t size;
	int64_t written_ns;
};

static struct {
	struct entry entries[ENTRIES_MAX];
	size_t count;
	FILE *log;
	const char *root;
	char end[256];
	char mark[256];
	int is_ready;
	int is_marked;
	int wrong;
	uint64_t overflows;
} m;

static struct entry *find(const char *path)
{
	for (size_t i = 0; i < m.count; i++) {
		if (strcmp(m.entries[i].path, path) == 0)
			return &m.entries[i];
	}
	return NULL;
}

static void wrong(const char *what, const char *path)
{
	m.wrong++;
	printf("wrong: %s: %s\n", what, path);
}

/*
 * What weir saw, not what a look would see now: its folder may have got
 * another name since.
 */
static void note(struct entry *e, const struct weir_tree_event *event)
{
	e->size = event->size;
	e->written_ns = event->written_ns;
}

static void add(const struct weir_tree_event *event)
{
	struct entry *e = &m.entries[m.count];

	if (find(event->path))
		wrong("told twice", event->path);
	if (m.count == ENTRIES_MAX)
		exit(2);
	e->path = strdup(event->path);
	note(e, event);
	m.count++;
}

static void drop(const char *path)
{
	struct entry *e = find(path);

	if (!e) {
		wrong("never told", path);
		return;
	}
	free(e->path);
	*e = m.entries[--m.count];
}

static void move(const char *from, const char *to)
{
	const size_t length = strlen(from);
	char path[8192];

	if (find(to))
		drop(to);
	if (!find(from))
		wrong("never told", from);
	for (size_t i = 0; i < m.count; i++) {
		struct entry *e = &m.entries[i];

		if (strncmp(e->path, from, length) != 0 ||
		    (e->path[length] && e->path[length] != '/'))
			continue;
		snprintf(path, sizeof(path), "%s%s", to, e->path + length);
		free(e->path);
		e->path = strdup(path);
	}
}

/* Each entry of the file system is in the mirror, with its last change. */
static size_t compare(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *d;
	size_t count = 0;

	while (dir && (d = readdir(dir)) != NULL) {
		char path[8192];
		struct stat st;
		struct entry *e;

		snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
		if (strcmp(d->d_name, ".") == 0 ||
		    strcmp(d->d_name, "..") == 0 || lstat(path, &st) < 0)
			continue;
		count++;
		e = find(path);
		if (!e)
			wrong("missed", path);
		else if (!S_ISDIR(st.st_mode) &&
			 (e->size != (uint64_t)st.st_size ||
			  e->written_ns != st.st_mtim.tv_sec * 1000000000LL +
						   st.st_mtim.tv_nsec))
			wrong("its last change was missed", path);
		if (S_ISDIR(st.st_mode))
			count += compare(path);
	}
	if (dir)
		closedir(dir);
	return count;
}

static void settled(void)
{
	size_t count;

	if (!m.is_ready)
		puts("ready");
	m.is_ready = 1;
	fflush(stdout);
	if (!find(m.is_marked ? m.mark : m.end))
		return;
	if (!m.is_marked) {
		/*
		 * A scan may have found END while changes before it wait to be
		 * read. When a file that was made after it has been told, they
		 * have been.
		 */
		m.is_marked = 1;
		close(open(m.mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		return;
	}
	count = compare(m.root);
	if (count != m.count)
		wrong("more or less entries than there are", m.root);
	printf("%zu entries, %zu in the mirror, %d wrong, overflows %llu\n",
	       count, m.count, m.wrong, (unsigned long long)m.overflows);
	kill(getpid(), SIGTERM);
}

static void on_tree(struct weir_reactor *control,
		    const struct weir_tree_event *event, void *data)
{
	(void)control;
	(void)data;
	fprintf(m.log, "%d %s %s\n", (int)event->what, event->path,
		event->old_path ? event->old_path : "");
	switch (event->what) {
	case WEIR_TREE_CREATED:
	case WEIR_TREE_MOVED_IN:
		add(event);
		break;
	case WEIR_TREE_CHANGED:
		if (find(event->path))
			note(find(event->path), event);
		else
			wrong("never told", event->path);
		break;
	case WEIR_TREE_DELETED:
	case WEIR_TREE_MOVED_OUT:
		drop(event->path);
		break;
	case WEIR_TREE_RENAMED:
		move(event->old_path, event->path);
		break;
	case WEIR_TREE_OVERFLOW:
		m.overflows++;
		break;
	case WEIR_TREE_UNWATCHED:
	case WEIR_TREE_GONE:
		wrong("what should not be", event->path);
		break;
	case WEIR_TREE_SETTLED:
		settled();
		break;
	}
}

static int mirror(const char *folder, const char *log)
{
	struct weir_pool *pool;
	weir_token token;
	int err = weir_pool_new(NULL, &pool);

	m.root = folder;
	m.log = fopen(log, "we");
	snprintf(m.end, sizeof(m.end), "%s/END", folder);
	snprintf(m.mark, sizeof(m.mark), "%s/MARK", folder);
	if (err == 0)
		err = weir_tree_add(pool, folder, NULL, on_tree, NULL, &token);
	if (err == 0)
		err = weir_pool_start(pool);
	if (err < 0) {
		fprintf(stderr, "%s\n", strerror(-err));
		return 1;
	}
	weir_pool_join(pool);
	weir_pool_free(pool);
	fclose(m.log);
	for (size_t i = 0; i < m.count; i++)
		free(m.entries[i].path);
	return m.wrong != 0;
}

static uint64_t state;

static unsigned roll(unsigned limit)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % limit;
}

/* A name in a tree of up to 4 folders' depth; it need not exist. */
static const char *some(const char *root, char buf[512])
{
	int n = snprintf(buf, 512, "%s", root);

	for (unsigned depth = roll(4); depth > 0; depth--)
		n += snprintf(buf + n, 512 - (size_t)n, "/d%u", roll(4));
	if (roll(3) == 0)
		snprintf(buf + n, 512 - (size_t)n, "/d%u", roll(4));
	else
		snprintf(buf + n, 512 - (size_t)n, "/f%u", roll(8));
	return buf;
}

static void write_some(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
					  O_APPEND, 0600);

	if (fd < 0)
		return;
	if (write(fd, "some bytes", 1 + roll(10)) < 0)
		perror(path);
	close(fd);
}

static int step(const char *root)
{
	char a[512], b[512];

	some(root, a);
	some(root, b);
	switch (roll(10)) {
	case 0:
	case 1:
		return mkdir(a, 0700);
	case 2:
	case 3:
	case 4:
		write_some(a);
		return 0;
	case 5:
		return unlink(a);
	case 6:
		return rmdir(a);
	case 7:
		if (symlink(b, a) == 0)
			return 0;
		snprintf(b, sizeof(b), "%s/..tmp", root);
		return symlink("target", b) == 0 ? rename(b, a) : -1;
	default:
		return rename(a, b);
	}
}

static int storm(const char *root, long count)
{
	char end[256];

	/* Only those that did something count. */
	for (long i = 0; i < count;)
		i += step(root) == 0;
	snprintf(end, sizeof(end), "%s/END", root);
	write_some(end);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "mirror") == 0)
		return mirror(argv[2], argv[3]);
	if (argc == 5 && strcmp(argv[1], "storm") == 0) {
		state = strtoull(argv[4], NULL, 10);
		return storm(argv[2], atol(argv[3]));
	}
	return 2;
}
