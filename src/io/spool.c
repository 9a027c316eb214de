/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool: the on-disk side. A file is a head (spool_head.h) and the report as it
 * came. File names begin with the time of arrival in hex, so that the order of
 * names is the order of arrival.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/spool.h"

#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sbuf.h"
#include "base/vec.h"
#include "io/fd.h"
#include "io/spool_head.h"

#include "base/poison.h"

#define RECOUNT_MS 2000 /* digest empties new/ behind our back */
#define TMP_TRIES 16

static const char *const folder_names[] = {
	[SPOOL_NEW] = "new",
	[SPOOL_DONE] = "done",
	[SPOOL_BAD] = "bad",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct spool {
	struct spool_limits limits;
	int tmp;
	int folders[COUNT(folder_names)];
	uint64_t files, bytes; /* in new/, as last counted plus our own */
	struct mono counted;   /* ms 0: never */
};

const char *spool_limit_name(enum spool_limit which)
{
	static const char *const names[] = {
		[SPOOL_LIMIT_NONE] = "none",
		[SPOOL_LIMIT_FILE] = "file",
		[SPOOL_LIMIT_BACKLOG] = "backlog",
		[SPOOL_LIMIT_DISK] = "disk",
	};

	return names[which];
}

/* ---- opening ---- */

static enum status folder_open(
	int top, const char *dir, const char *name, int *out, struct err *e)
{
	if (mkdirat(top, name, 0750) != 0 && errno != EEXIST)
		return err_sys(e, ST_PERM, errno, "spool %s/%s", dir, name);
	*out = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out < 0)
		return err_sys(e, ST_PERM, errno, "spool %s/%s", dir, name);
	return ST_OK;
}

/* A DIR of its own over an open folder, rewound; NULL with errno. */
static DIR *folder_scan(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d == NULL)
		fd_close(&fd);
	return d;
}

/* Writers hold a lock on their file in tmp/: one without a lock is left over.
 */
static void sweep_one(struct spool *s, const char *name)
{
	int fd = openat(s->tmp, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && unlinkat(s->tmp, name, 0) == 0)
		LOG(LOG_INFO, "spool.swept", KV_Z("file", name));
	fd_close(&fd);
}

static void sweep(struct spool *s)
{
	DIR *d = folder_scan(s->tmp);
	struct dirent *ent;

	if (d == NULL)
		return;
	while ((ent = readdir(d)) != NULL)
		if (ent->d_name[0] != '.')
			sweep_one(s, ent->d_name);
	(void)closedir(d);
}

enum status spool_open(const char *dir, const struct spool_limits *limits,
	struct spool **out, struct err *e)
{
	struct spool *s = mem_must(sizeof(*s));
	enum status st = ST_PERM;
	int top = -1;

	s->limits = *limits;
	s->tmp = -1;
	for (size_t i = 0; i < COUNT(s->folders); i++)
		s->folders[i] = -1;
	if (mkdir(dir, 0750) != 0 && errno != EEXIST) {
		(void)err_sys(e, st, errno, "spool %s", dir);
		goto out;
	}
	top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0) {
		(void)err_sys(e, st, errno, "spool %s", dir);
		goto out;
	}
	st = folder_open(top, dir, "tmp", &s->tmp, e);
	for (size_t i = 0; i < COUNT(s->folders) && st == ST_OK; i++)
		st = folder_open(top, dir, folder_names[i], &s->folders[i], e);
	if (st != ST_OK)
		goto out;
	sweep(s);
	*out = s;
	s = NULL;
out:
	fd_close(&top);
	spool_close(&s);
	return st;
}

void spool_close(struct spool **s)
{
	if (*s == NULL)
		return;
	fd_close(&(*s)->tmp);
	for (size_t i = 0; i < COUNT((*s)->folders); i++)
		fd_close(&(*s)->folders[i]);
	mem_free(*s);
	*s = NULL;
}

/* ---- writing ---- */

/* A name begins with the time, so that names sort by it. */
#define NAME_TIME_HEX 12

static void name_make(char name[SPOOL_NAME_MAX], const struct spool_meta *meta)
{
	uint64_t r[2];

	BUG(getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r));
	(void)snprintf(name, SPOOL_NAME_MAX, "%012" PRIx64 "-%016" PRIx64 ".%s",
		(uint64_t)meta->received.s & 0xffffffffffff, r[0],
		spool_source_name(meta->source));
}

/*
 * A new, locked file in tmp/. A sweeper may have seen it before the lock and
 * unlinked it: then another one.
 */
static int tmp_create(struct spool *s, const char *name)
{
	struct stat st;
	int fd;

	for (int i = 0; i < TMP_TRIES; i++) {
		fd = openat(s->tmp, name,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
		if (fd < 0)
			return -1;
		if (flock(fd, LOCK_EX) == 0 && fstat(fd, &st) == 0 &&
			st.st_nlink > 0)
			return fd;
		fd_close(&fd);
	}
	errno = EBUSY;
	return -1;
}

static bool write_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s = str_from(s, (size_t)n);
	}
	return true;
}

static void recount(struct spool *s)
{
	struct mono now = clock_mono(clock_system());
	struct dirent *ent;
	struct stat st;
	DIR *d;

	if (s->counted.ms != 0 && now.ms - s->counted.ms < RECOUNT_MS)
		return;
	d = folder_scan(s->folders[SPOOL_NEW]);
	if (d == NULL)
		return;
	s->counted = now;
	s->files = 0;
	s->bytes = 0;
	while ((ent = readdir(d)) != NULL) {
		if (ent->d_name[0] == '.' ||
			fstatat(dirfd(d), ent->d_name, &st, 0) != 0)
			continue;
		s->files++;
		s->bytes += (uint64_t)st.st_size;
	}
	(void)closedir(d);
}

static enum status check_limits(
	struct spool *s, size_t n, enum spool_limit *which, struct err *e)
{
	if (n > s->limits.max_file_bytes) {
		*which = SPOOL_LIMIT_FILE;
		return err_set(e, ST_LIMIT,
			"report of %zu bytes, at most %" PRIu64 " are taken", n,
			s->limits.max_file_bytes);
	}
	recount(s);
	if (s->files >= s->limits.max_files ||
		s->bytes + n > s->limits.max_bytes) {
		*which = SPOOL_LIMIT_BACKLOG;
		return err_set(e, ST_LIMIT,
			"spool: %" PRIu64 " reports with %" PRIu64
			" bytes are waiting",
			s->files, s->bytes);
	}
	return ST_OK;
}

static enum status disk_error(
	enum spool_limit *which, struct err *e, const char *step)
{
	enum status st = ST_TEMP;

	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) {
		*which = SPOOL_LIMIT_DISK;
		st = ST_LIMIT;
	}
	return err_sys(e, st, errno, "spool: %s", step);
}

enum status spool_stage(struct spool *s, const struct spool_meta *meta,
	struct str body, char name[SPOOL_NAME_MAX], enum spool_limit *which,
	struct err *e)
{
	char head[SPOOL_HEAD_MAX], file[SPOOL_NAME_MAX];
	struct sbuf b = sbuf_fixed(head, sizeof(head));
	enum spool_limit limit = SPOOL_LIMIT_NONE;
	enum status st;
	int fd = -1;

	file[0] = '\0';
	st = spool_head_write(&b, meta, e);
	if (st != ST_OK)
		goto out;
	st = check_limits(s, body.n, &limit, e);
	if (st != ST_OK)
		goto out;
	name_make(file, meta);
	fd = tmp_create(s, file);
	if (fd < 0)
		st = disk_error(&limit, e, "create");
	else if (!write_all(fd, sbuf_str(&b)) || !write_all(fd, body))
		st = disk_error(&limit, e, "write");
	else if (fsync(fd) != 0)
		st = disk_error(&limit, e, "fsync of the file");
	else if (renameat(s->tmp, file, s->folders[SPOOL_NEW], file) != 0)
		st = disk_error(&limit, e, "rename");
	if (st != ST_OK)
		goto out;
	s->files++;
	s->bytes += b.n + body.n;
	if (name != NULL)
		memcpy(name, file, sizeof(file));
out:
	if (st != ST_OK && fd >= 0)
		(void)unlinkat(s->tmp, file, 0);
	fd_close(&fd);
	if (which != NULL)
		*which = limit;
	return st;
}

enum status spool_sync(struct spool *s, struct err *e)
{
	enum spool_limit limit;

	if (fsync(s->folders[SPOOL_NEW]) != 0)
		return disk_error(&limit, e, "fsync of the folder");
	return ST_OK;
}

enum status spool_put(struct spool *s, const struct spool_meta *meta,
	struct str body, char name[SPOOL_NAME_MAX], enum spool_limit *which,
	struct err *e)
{
	enum status st = spool_stage(s, meta, body, name, which, e);

	if (st == ST_OK)
		st = spool_sync(s, e);
	return st;
}

/* ---- reading ---- */

static int name_cmp(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* A name as name_make gives them, NUL-terminated into file. */
static bool name_ok(struct str name, char file[SPOOL_NAME_MAX])
{
	if (name.n == 0 || name.n >= SPOOL_NAME_MAX || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!chr_is_alnum(name.p[i]) && name.p[i] != '-' &&
			name.p[i] != '.')
			return false;
	memcpy(file, name.p, name.n);
	file[name.n] = '\0';
	return true;
}

enum status spool_list(struct spool *s, enum spool_folder folder, size_t max,
	struct arena *a, struct spool_names *out, struct err *e)
{
	DIR *d = folder_scan(s->folders[folder]);
	enum status st = ST_OK;
	struct spool_names names = {};
	char file[SPOOL_NAME_MAX];
	struct dirent *ent;

	if (d == NULL)
		return err_sys(e, ST_TEMP, errno, "spool: reading %s/",
			folder_names[folder]);
	while (st == ST_OK && (ent = readdir(d)) != NULL) {
		struct str name;

		if (!name_ok(str_of(ent->d_name), file) ||
			(ent->d_type != DT_REG && ent->d_type != DT_UNKNOWN))
			continue;
		name = arena_str(a, str_of(ent->d_name));
		if (name.p == NULL || !VEC_PUSH(a, &names, name))
			st = err_set(e, ST_LIMIT, "spool: too many files");
	}
	(void)closedir(d);
	if (st != ST_OK)
		return st;
	if (names.n > 0)
		qsort(names.items, names.n, sizeof(*names.items), name_cmp);
	if (names.n > max)
		names.n = max;
	*out = names;
	return ST_OK;
}

static enum status read_all(struct spool *s, int fd, struct arena *a,
	struct str *out, struct err *e)
{
	struct stat st;
	size_t n = 0, size;
	char *p;

	if (fstat(fd, &st) != 0)
		return err_sys(e, ST_TEMP, errno, "spool: fstat");
	size = (size_t)st.st_size;
	if (size > s->limits.max_file_bytes + SPOOL_HEAD_MAX)
		return err_set(e, ST_LIMIT, "spool: file of %zu bytes", size);
	p = arena_alloc(a, size);
	if (p == NULL)
		return err_set(e, ST_LIMIT, "spool: file of %zu bytes", size);
	while (n < size) {
		ssize_t got = read(fd, p + n, size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_sys(e, ST_TEMP, errno, "spool: read");
		n += (size_t)got;
	}
	*out = (struct str){ p, n };
	return ST_OK;
}

/* A file that is there and will never open is at fault itself. */
static enum status open_status(int errnum)
{
	if (errnum == ENOENT)
		return ST_NOTFOUND;
	return errnum == EACCES || errnum == EPERM ? ST_INVALID : ST_TEMP;
}

enum status spool_read(struct spool *s, enum spool_folder folder,
	struct str name, struct arena *a, struct spool_meta *meta,
	struct str *body, struct err *e)
{
	char file[SPOOL_NAME_MAX];
	enum status st;
	struct str all = {};
	int fd;

	if (!name_ok(name, file))
		return err_set(e, ST_INVALID, "spool: no such name");
	fd = openat(
		s->folders[folder], file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(e, open_status(errno), errno, "spool: %s/%s",
			folder_names[folder], file);
	st = read_all(s, fd, a, &all, e);
	fd_close(&fd);
	if (st == ST_OK)
		st = spool_head_parse(all, meta, body, e);
	return st;
}

static enum status move_one(struct spool *s, enum spool_folder from,
	enum spool_folder to, struct str name, struct err *e)
{
	char file[SPOOL_NAME_MAX];

	if (!name_ok(name, file))
		return err_set(e, ST_INVALID, "spool: no such name");
	if (renameat(s->folders[from], file, s->folders[to], file) != 0)
		return err_sys(e, errno == ENOENT ? ST_NOTFOUND : ST_TEMP,
			errno, "spool: moving %s to %s/", file,
			folder_names[to]);
	return ST_OK;
}

/* The new place first: after a power cut a file may be in both, not in none. */
static enum status sync_move(struct spool *s, enum spool_folder from,
	enum spool_folder to, struct err *e)
{
	if (fsync(s->folders[to]) != 0 || fsync(s->folders[from]) != 0)
		return err_sys(e, ST_TEMP, errno, "spool: fsync");
	return ST_OK;
}

enum status spool_move(struct spool *s, enum spool_folder from,
	enum spool_folder to, struct str name, struct err *e)
{
	enum status st = move_one(s, from, to, name, e);

	return st == ST_OK ? sync_move(s, from, to, e) : st;
}

enum status spool_move_all(struct spool *s, enum spool_folder from,
	enum spool_folder to, const struct str *names, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		enum status st = move_one(s, from, to, names[i], e);

		if (st != ST_OK && st != ST_NOTFOUND)
			return st;
	}
	return sync_move(s, from, to, e);
}

enum status spool_remove(struct spool *s, enum spool_folder folder,
	struct str name, struct err *e)
{
	char file[SPOOL_NAME_MAX];

	if (!name_ok(name, file))
		return err_set(e, ST_INVALID, "spool: no such name");
	if (unlinkat(s->folders[folder], file, 0) != 0)
		return err_sys(e, errno == ENOENT ? ST_NOTFOUND : ST_TEMP,
			errno, "spool: removing %s", file);
	return ST_OK;
}

bool spool_name_received(struct str name, struct unix_time *out)
{
	struct str time = str_cut(&name, '-');
	int64_t s = 0;

	if (time.n != NAME_TIME_HEX || name.p == NULL)
		return false;
	for (size_t i = 0; i < time.n; i++) {
		int digit = chr_hex(time.p[i]);

		if (digit < 0)
			return false;
		s = s * 16 + digit;
	}
	out->s = s;
	return true;
}
