/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmdb_policy: LMDB with its own locks, which protect the snapshot of the
 * reading thread from the writing one. Opening reads the whole file, so that
 * damage is found before an answer depends on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/lmdb_policy.h"

#include "base/bug.h"
#include "base/mem.h"
#include "cache/policy_value.h"
#include "lmdb/lmdb_file.h"

#include "base/poison.h"

#define FLAGS (MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD)
#define MODE 0640
#define BAD_FILES_MAX 99
#define RESERVE ((uint64_t)1 << 20) /* bytes, for changes of what is there */
#define FREE_PAGES 0		    /* LMDB's own table of the pages not used */
#define SAVE_AT_ONCE 200	    /* values in one transaction */

struct policy_file {
	char path[LMDB_PATH_MAX], moved_to[LMDB_PATH_MAX + 16];
	uint64_t max_bytes;
	bool no_sync;
	int lock;
	struct lmdb_guard guard;
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *reader; /* reset between reads */
	MDB_cursor *cursor;
	struct policy_file_info info;
};

static struct str str_of_val(MDB_val v)
{
	return (struct str){ v.mv_data, v.mv_size };
}

static enum status failed(int rc, struct err *e)
{
	enum status st = rc == MDB_MAP_FULL ? ST_LIMIT : ST_PERM;

	if (rc == MDB_MAP_FULL)
		return err_set(e, st,
			"the policy cache is full: raise "
			"policy.cache_max_size");
	if (rc == ENOSPC || rc == EIO || rc == ENOMEM || rc == EDQUOT ||
		rc == EFBIG || rc == EROFS)
		st = ST_TEMP;
	return err_set(e, st, "policy cache: %s", mdb_strerror(rc));
}

/* ---- found damaged while it is in use ---- */

/*
 * The index of free pages cannot be verified by reading: that it is damaged
 * shows when something is written, most often by an assertion of LMDB, which
 * ends the process. The next start is told to save what can be read, or it
 * would end in the same way.
 */
static void mark_path(const struct policy_file *f, char *path, size_t n)
{
	(void)snprintf(path, n, "%s.damaged", f->path);
}

static void mark(void *ctx)
{
	char path[LMDB_PATH_MAX + sizeof(".damaged")];
	int fd;

	mark_path(ctx, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, MODE);
	if (fd >= 0)
		(void)close(fd);
}

static bool is_marked(const struct policy_file *f)
{
	char path[LMDB_PATH_MAX + sizeof(".damaged")];
	struct stat st;

	mark_path(f, path, sizeof(path));
	return stat(path, &st) == 0;
}

static void unmark(const struct policy_file *f)
{
	char path[LMDB_PATH_MAX + sizeof(".damaged")];

	mark_path(f, path, sizeof(path));
	(void)unlink(path);
}

static enum status failed_commit(struct policy_file *f, int rc, struct err *e)
{
	if (rc != MDB_CORRUPTED && rc != MDB_PAGE_NOTFOUND)
		return failed(rc, e);
	mark(f);
	return err_set(e, ST_PERM,
		"%s is damaged: the next start of moatd saves what can be read",
		f->path);
}

/* ---- opening ---- */

static void env_close(struct policy_file *f)
{
	if (f->cursor != NULL)
		mdb_cursor_close(f->cursor);
	if (f->reader != NULL)
		mdb_txn_abort(f->reader);
	if (f->env != NULL)
		mdb_env_close(f->env);
	f->cursor = NULL;
	f->reader = NULL;
	f->env = NULL;
}

static int open_reader(struct policy_file *f)
{
	int rc = mdb_txn_begin(f->env, NULL, MDB_RDONLY, &f->reader);

	if (rc == 0)
		rc = mdb_dbi_open(f->reader, NULL, 0, &f->dbi);
	if (rc == 0)
		rc = mdb_cursor_open(f->reader, f->dbi, &f->cursor);
	if (rc == 0)
		mdb_txn_reset(f->reader);
	return rc;
}

static int env_open(struct policy_file *f)
{
	int rc = mdb_env_create(&f->env);

	if (rc != 0)
		return rc;
	f->guard = (struct lmdb_guard){ mark, f };
	lmdb_guard(f->env, &f->guard);
	rc = mdb_env_set_mapsize(
		f->env, f->max_bytes + f->max_bytes / 8 + RESERVE);
	if (rc == 0)
		rc = mdb_env_open(f->env, f->path,
			FLAGS | (f->no_sync ? MDB_NOSYNC : 0), MODE);
	return rc == 0 ? open_reader(f) : rc;
}

/* Only one process at a time; the kernel ends the lock with the process. */
static enum status take_lock(struct policy_file *f, struct err *e)
{
	char path[LMDB_PATH_MAX + 8];

	(void)snprintf(path, sizeof(path), "%s.lock", f->path);
	f->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, MODE);
	if (f->lock < 0)
		return err_sys(e, ST_PERM, errno, "%s", path);
	if (flock(f->lock, LOCK_EX | LOCK_NB) != 0)
		return err_set(e, ST_AGAIN,
			"%s: another process has the policy cache open",
			f->path);
	return ST_OK;
}

/* ---- is it what was written? ---- */

struct look {
	struct policy_file_info info;
	struct arena *arena;
	uint64_t times;
	bool newer; /* of a newer moat */
};

static enum status look_at(struct look *l, struct str key, struct str value)
{
	struct policy_entry entry;
	struct policy_rule rule;
	enum status st = ST_INVALID;

	if (str_eq(key, POLICY_KEY_STATE))
		return policy_state_read(value, &l->info.noted);
	switch (key.n == 0 ? 0 : key.p[0]) {
	case POLICY_KEY_ENTRY:
		st = policy_entry_read(l->arena, key, value, &entry);
		l->info.entries += st == ST_OK;
		break;
	case POLICY_KEY_TIMES:
		l->times++;
		return ST_OK;
	case POLICY_KEY_RULE:
		st = policy_rule_read(key, value, &rule);
		l->info.rules += st == ST_OK;
		break;
	default:
		break;
	}
	return st;
}

static bool verify_visit(void *ctx, struct str key, struct str value)
{
	struct look *l = ctx;
	enum status st = look_at(l, key, value);

	arena_reset(l->arena);
	l->newer |= st == ST_PERM;
	l->info.unreadable += st == ST_INVALID;
	return st == ST_OK;
}

/* ST_INVALID: damaged. */
static enum status verify(struct policy_file *f, struct err *e)
{
	struct look l = { .arena = arena_must(0) };
	struct str all = {};
	enum status st;
	struct stat file;

	st = stat(f->path, &file) == 0 &&
			     (uint64_t)file.st_size >= lmdb_file_needs(f->env)
		     ? policy_file_walk(f, all, all, verify_visit, &l)
		     : ST_INVALID;
	arena_free(&l.arena);
	if (l.newer)
		return err_set(e, ST_PERM,
			"%s was written by a newer version of moat", f->path);
	if (st != ST_OK || l.info.unreadable > 0 || l.times != l.info.entries)
		return ST_INVALID;
	f->info = l.info;
	return ST_OK;
}

/* ---- a damaged file ---- */

static enum status move_aside(struct policy_file *f, struct err *e)
{
	char lock[LMDB_PATH_MAX + 8];
	struct stat st;
	int i = 1;

	do {
		(void)snprintf(f->moved_to, sizeof(f->moved_to), "%s.bad-%d",
			f->path, i);
	} while (stat(f->moved_to, &st) == 0 && i++ < BAD_FILES_MAX);
	(void)snprintf(lock, sizeof(lock), "%s-lock", f->path);
	(void)unlink(lock);
	if (rename(f->path, f->moved_to) != 0)
		return err_sys(e, ST_PERM, errno, "%s", f->path);
	return ST_OK;
}

struct save {
	struct policy_file *to;
	struct look look;
	struct policy_write w[SAVE_AT_ONCE];
	size_t n;
	enum status st;
	struct err *e;
};

static void save_some(struct save *s)
{
	if (s->n > 0 && s->st == ST_OK)
		s->st = policy_file_commit(s->to, s->w, s->n, s->e);
	if (s->st == ST_OK)
		s->to->info.saved += s->n;
	s->n = 0;
	arena_reset(s->look.arena);
}

static bool save_visit(void *ctx, struct str key, struct str value)
{
	struct save *s = ctx;
	enum status st = look_at(&s->look, key, value);

	if (st != ST_OK)
		s->to->info.unreadable++;
	if (st != ST_OK || key.p[0] == POLICY_KEY_TIMES)
		return true;
	s->w[s->n++] = (struct policy_write){ arena_str(s->look.arena, key),
		arena_str(s->look.arena, value) };
	if (s->n == SAVE_AT_ONCE)
		save_some(s);
	return s->st == ST_OK;
}

/* From the beginning to what cannot be read, then from the end back to it. */
static void save_all(MDB_cursor *cursor, struct save *s)
{
	MDB_cursor_op op[] = { MDB_NEXT, MDB_PREV };
	MDB_val k, v;
	char last[POLICY_KEY_MAX];
	struct str at = {};

	for (int i = 0; i < 2 && s->st == ST_OK; i++) {
		MDB_cursor_op first = i == 0 ? MDB_FIRST : MDB_LAST;
		int rc = lmdb_move(cursor, &k, &v, first);

		for (; rc == 0; rc = lmdb_move(cursor, &k, &v, op[i])) {
			struct str key = str_of_val(k);

			if (key.n == 0 || key.n > sizeof(last) ||
				(i == 1 && str_cmp(key, at) <= 0) ||
				!save_visit(s, key, str_of_val(v)))
				break;
			if (i == 0) {
				memcpy(last, key.p, key.n);
				at = (struct str){ last, key.n };
			}
		}
		if (rc == MDB_NOTFOUND)
			break;
	}
	save_some(s);
}

/* Pages beyond the end would be a SIGBUS: a hole reads as zeros. */
static bool fill_up(const char *path, MDB_env *env)
{
	uint64_t needs = lmdb_file_needs(env);
	struct stat st;

	if (stat(path, &st) != 0 || needs > (uint64_t)1 << 46)
		return false;
	return (uint64_t)st.st_size >= needs ||
	       truncate(path, (off_t)needs) == 0;
}

/* What can be read of the file moved aside, into the new one. */
static enum status salvage(struct policy_file *f, struct err *e)
{
	struct save *s = mem_must(sizeof(*s));
	MDB_cursor *cursor = NULL;
	MDB_txn *txn = NULL;
	MDB_env *env = NULL;
	enum status st;
	MDB_dbi dbi;

	*s = (struct save){ .to = f, .e = e };
	s->look.arena = arena_must(0);
	if (lmdb_file_plausible(f->moved_to) && mdb_env_create(&env) == 0) {
		lmdb_guard(env, NULL);
		if (mdb_env_open(env, f->moved_to,
			    FLAGS | MDB_NOLOCK | MDB_RDONLY, 0) == 0 &&
			fill_up(f->moved_to, env) &&
			mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0 &&
			mdb_dbi_open(txn, NULL, 0, &dbi) == 0 &&
			mdb_cursor_open(txn, dbi, &cursor) == 0)
			save_all(cursor, s);
	}
	if (cursor != NULL)
		mdb_cursor_close(cursor);
	if (txn != NULL)
		mdb_txn_abort(txn);
	if (env != NULL)
		mdb_env_close(env);
	f->info.entries = s->look.info.entries;
	f->info.rules = s->look.info.rules;
	f->info.noted = s->look.info.noted;
	arena_free(&s->look.arena);
	st = s->st;
	mem_free(s);
	return st;
}

static enum status begin_anew(struct policy_file *f, struct err *e)
{
	enum status st;
	int rc;

	env_close(f);
	st = move_aside(f, e);
	if (st != ST_OK)
		return st;
	rc = env_open(f);
	if (rc != 0)
		return failed(rc, e);
	f->info = (struct policy_file_info){ .was_damaged = true,
		.moved_to = f->moved_to };
	st = salvage(f, e);
	if (st == ST_OK)
		unmark(f);
	return st;
}

static enum status open_locked(struct policy_file *f, struct err *e)
{
	struct stat st;
	bool there = stat(f->path, &st) == 0 && st.st_size > 0;
	enum status got;
	int rc = 0;

	if (there && (is_marked(f) || !lmdb_file_plausible(f->path)))
		return begin_anew(f, e);
	rc = env_open(f);
	if (there && (rc == MDB_INVALID || rc == MDB_CORRUPTED ||
			     rc == MDB_VERSION_MISMATCH))
		return begin_anew(f, e);
	if (rc != 0)
		return failed(rc, e);
	got = verify(f, e);
	return got == ST_INVALID ? begin_anew(f, e) : got;
}

enum status policy_file_open(const char *path, uint64_t max_bytes, bool no_sync,
	struct policy_file **out, struct err *e)
{
	struct policy_file *f;
	enum status st;

	if (strlen(path) + sizeof(".bad-999") > LMDB_PATH_MAX)
		return err_set(e, ST_PERM, "%.64s...: path too long", path);
	f = mem_must(sizeof(*f));
	(void)snprintf(f->path, sizeof(f->path), "%s", path);
	f->max_bytes = max_bytes;
	f->no_sync = no_sync;
	f->lock = -1;
	st = take_lock(f, e);
	if (st == ST_OK)
		st = open_locked(f, e);
	if (st == ST_OK)
		*out = f;
	else
		policy_file_close(&f);
	return st;
}

void policy_file_close(struct policy_file **f)
{
	if (*f == NULL)
		return;
	env_close(*f);
	if ((*f)->lock >= 0)
		(void)close((*f)->lock);
	mem_free(*f);
	*f = NULL;
}

const struct policy_file_info *policy_file_info(const struct policy_file *f)
{
	return &f->info;
}

uint64_t policy_file_used(struct policy_file *f)
{
	return lmdb_file_needs(f->env);
}

/* ---- writing ---- */

/* Takes the entry that is there out of the index by time. */
static int times_del(struct policy_file *f, MDB_txn *txn, struct str entry)
{
	MDB_val key = lmdb_val(entry), value;
	struct policy_times times;
	struct policy_key k;
	int rc = lmdb_get(txn, f->dbi, &key, &value);

	if (rc != 0)
		return rc == MDB_NOTFOUND ? 0 : rc;
	if (policy_times_read(str_of_val(value), &times) != ST_OK)
		return 0;
	policy_key_times(times.next_refresh, entry, &k);
	key = lmdb_val(policy_key_str(&k));
	rc = mdb_del(txn, f->dbi, &key, NULL);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int times_put(
	struct policy_file *f, MDB_txn *txn, struct str entry, struct str value)
{
	struct policy_times times;
	struct policy_key k;
	MDB_val key, empty = {};

	BUG(policy_times_read(value, &times) != ST_OK);
	policy_key_times(times.next_refresh, entry, &k);
	key = lmdb_val(policy_key_str(&k));
	return mdb_put(txn, f->dbi, &key, &empty, 0);
}

static int write_one(
	struct policy_file *f, MDB_txn *txn, const struct policy_write *w)
{
	bool entry = w->key.p[0] == POLICY_KEY_ENTRY;
	MDB_val key = lmdb_val(w->key);
	MDB_val value = lmdb_val(w->value);
	int rc = 0;

	if (entry)
		rc = times_del(f, txn, w->key);
	if (rc != 0)
		return rc;
	if (w->value.p == NULL) {
		rc = mdb_del(txn, f->dbi, &key, NULL);
		return rc == MDB_NOTFOUND ? 0 : rc;
	}
	rc = mdb_put(txn, f->dbi, &key, &value, 0);
	return rc == 0 && entry ? times_put(f, txn, w->key, w->value) : rc;
}

enum status policy_file_commit(struct policy_file *f,
	const struct policy_write *w, size_t n, struct err *e)
{
	MDB_txn *txn = NULL;
	int rc = mdb_txn_begin(f->env, NULL, 0, &txn);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = write_one(f, txn, &w[i]);
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	else if (txn != NULL)
		mdb_txn_abort(txn);
	return rc == 0 ? ST_OK : failed_commit(f, rc, e);
}

static uint64_t free_pages(struct policy_file *f)
{
	MDB_cursor *cursor = NULL;
	MDB_txn *txn = NULL;
	uint64_t n = 0;
	MDB_val k, v;

	if (mdb_txn_begin(f->env, NULL, MDB_RDONLY, &txn) == 0 &&
		mdb_cursor_open(txn, FREE_PAGES, &cursor) == 0)
		while (lmdb_move(cursor, &k, &v, MDB_NEXT) == 0)
			n += *(const size_t *)v.mv_data;
	if (cursor != NULL)
		mdb_cursor_close(cursor);
	if (txn != NULL)
		mdb_txn_abort(txn);
	return n;
}

bool policy_file_full(struct policy_file *f)
{
	uint64_t used = policy_file_used(f);
	MDB_stat st;

	if (used <= f->max_bytes || mdb_env_stat(f->env, &st) != 0)
		return false;
	return used - free_pages(f) * st.ms_psize > f->max_bytes;
}

/* ---- reading ---- */

enum status policy_file_get(struct policy_file *f, struct arena *a,
	struct str key, struct str *value)
{
	MDB_val k = lmdb_val(key), v;
	enum status st = ST_TEMP;
	int rc;

	if (mdb_txn_renew(f->reader) != 0)
		return ST_TEMP;
	rc = lmdb_get(f->reader, f->dbi, &k, &v);
	if (rc == MDB_NOTFOUND)
		st = ST_NOTFOUND;
	if (rc == 0 && v.mv_size <= POLICY_VALUE_MAX) {
		*value = arena_str(a, str_of_val(v));
		st = value->p == NULL ? ST_LIMIT : ST_OK;
	}
	mdb_txn_reset(f->reader);
	return st;
}

enum status policy_file_walk(struct policy_file *f, struct str from,
	struct str prefix, policy_visit *visit, void *ctx)
{
	MDB_cursor_op op = from.n > 0 ? MDB_SET_RANGE : MDB_FIRST;
	MDB_val k = lmdb_val(from), v;
	int rc;

	if (mdb_txn_renew(f->reader) != 0)
		return ST_TEMP;
	rc = mdb_cursor_renew(f->reader, f->cursor);
	while (rc == 0) {
		rc = lmdb_move(f->cursor, &k, &v, op);
		op = MDB_NEXT;
		if (rc != 0)
			break;
		if (!str_starts(str_of_val(k), prefix) ||
			!visit(ctx, str_of_val(k), str_of_val(v)))
			break;
	}
	mdb_txn_reset(f->reader);
	return rc == 0 || rc == MDB_NOTFOUND ? ST_OK : ST_TEMP;
}
