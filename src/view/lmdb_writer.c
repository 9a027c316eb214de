/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmdb_writer: the one process that writes the view: opening, transactions,
 * values. What it does with the zone is in lmdb_zone.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/mem.h"
#include "view/lmdb_writer_own.h"

#include "base/poison.h"

/* More than a commit takes and frees again; the disk gives it no blocks. */
#define ROOM_AHEAD ((uint64_t)1 << 20)

/* ---- errors ---- */

enum status lmdb_writer_failed(struct view_writer *w, int rc, struct err *e)
{
	enum status st = ST_PERM;

	if (w != NULL)
		view_writer_abort(w);
	if (rc == MDB_MAP_FULL)
		return err_set(e, ST_LIMIT,
			"the view has reached its largest size: raise "
			"server.view_max_size");
	if (rc == ENOSPC || rc == EIO || rc == ENOMEM || rc == EDQUOT)
		st = ST_TEMP;
	return err_set(e, st, "view: %s", mdb_strerror(rc));
}

enum status lmdb_writer_damaged(struct view_writer *w, struct err *e)
{
	view_writer_abort(w);
	return err_set(e, ST_PERM, "the view is damaged");
}

/* ---- raw values ---- */

int lmdb_writer_get(struct view_writer *w, struct str key, struct str *value)
{
	MDB_val k = lmdb_val(key);
	MDB_val v;
	int rc = lmdb_get(w->txn, w->dbi, &k, &v);

	if (rc == 0)
		*value = (struct str){ v.mv_data, v.mv_size };
	return rc;
}

enum status lmdb_writer_put(struct view_writer *w, struct str key,
	const struct wire_out *out, struct err *e)
{
	MDB_val k = lmdb_val(key);
	MDB_val v = { out->n, out->p };
	int rc;

	if (out->failed) {
		view_writer_abort(w);
		return err_set(
			e, ST_INVALID, "a value of the view is too long");
	}
	rc = mdb_put(w->txn, w->dbi, &k, &v, 0);
	return rc == 0 ? ST_OK : lmdb_writer_failed(w, rc, e);
}

enum status lmdb_writer_del(
	struct view_writer *w, struct str key, struct err *e)
{
	MDB_val k = lmdb_val(key);
	int rc = mdb_del(w->txn, w->dbi, &k, NULL);

	return rc == 0 || rc == MDB_NOTFOUND ? ST_OK
					     : lmdb_writer_failed(w, rc, e);
}

struct wire_out lmdb_writer_scratch(struct view_writer *w)
{
	return wire_out_of(w->scratch, VIEW_VALUE_MAX);
}

/* ---- opening ---- */

enum status view_lock(const char *path, int *fd, struct err *e)
{
	char lock[LMDB_PATH_MAX];
	int got;

	(void)snprintf(lock, sizeof(lock), "%s.lock", path);
	got = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (got < 0)
		return err_sys(e, ST_PERM, errno, "%s", lock);
	if (flock(got, LOCK_EX | LOCK_NB) != 0) {
		(void)close(got);
		return err_set(e, ST_AGAIN,
			"%s: another process writes the view", path);
	}
	*fd = got;
	return ST_OK;
}

void view_unlock(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/*
 * LMDB met a page in writing that makes no sense, and will abort. Out of the
 * way with the file, so that the next start builds a new one; readers keep what
 * they have open.
 */
static void move_away(void *ctx)
{
	struct view_writer *w = ctx;
	char bad[LMDB_PATH_MAX + 8];

	(void)snprintf(bad, sizeof(bad), "%s.bad", w->path);
	(void)rename(w->path, bad);
}

static enum status env_open(
	struct view_writer *w, const char *path, struct err *e)
{
	unsigned flags = LMDB_COMMON_FLAGS | (w->opt.no_sync ? MDB_NOSYNC : 0);
	struct stat st;
	int rc;

	rc = mdb_env_create(&w->env);
	if (rc == 0) {
		w->guard = (struct lmdb_guard){ move_away, w };
		lmdb_guard(w->env, &w->guard);
	}
	if (rc == 0)
		rc = mdb_env_set_mapsize(w->env, w->opt.max_bytes);
	if (rc == 0)
		rc = mdb_env_open(w->env, path, flags, 0640);
	if (rc == 0)
		rc = mdb_txn_begin(w->env, NULL, 0, &w->txn);
	if (rc == 0)
		rc = mdb_dbi_open(w->txn, NULL, 0, &w->dbi);
	if (rc != 0)
		return lmdb_writer_failed(w, rc, e);
	if (stat(path, &st) != 0)
		return err_sys(e, ST_TEMP, errno, "%s", path);
	w->ino = st.st_ino;
	return ST_OK;
}

static enum status writer_new(const char *path,
	const struct view_writer_options *opt, struct view_writer **out,
	struct err *e)
{
	struct view_writer *w;

	if (strlen(path) + sizeof(".new") > LMDB_PATH_MAX)
		return err_set(e, ST_PERM, "%.64s...: path too long", path);
	w = mem_must(sizeof(*w));
	(void)snprintf(w->path, sizeof(w->path), "%s", path);
	(void)snprintf(w->new_path, sizeof(w->new_path), "%.*s.new",
		LMDB_PATH_MAX - 5, path);
	w->opt = *opt;
	w->last_commit.ms = INT64_MIN / 2;
	w->scratch = mem_must(VIEW_VALUE_MAX);
	*out = w;
	return ST_OK;
}

void view_writer_close(struct view_writer **w)
{
	if (*w == NULL)
		return;
	view_writer_abort(*w);
	if ((*w)->env != NULL)
		mdb_env_close((*w)->env);
	if ((*w)->unpublished)
		(void)unlink((*w)->new_path);
	view_diff_free(&(*w)->diff);
	arena_free(&(*w)->state_arena);
	arena_free(&(*w)->zone_arena);
	mem_free((*w)->scratch);
	mem_free(*w);
	*w = NULL;
}

static void take_state(struct view_writer *w, const struct view_state *s)
{
	struct arena *a = arena_must(0);

	w->state = *s;
	w->state.settings = arena_str(a, s->settings);
	arena_free(&w->state_arena);
	w->state_arena = a;
}

/* State and zone of a file that was there. */
static enum status read_state(struct view_writer *w, struct err *e)
{
	struct view_state state;
	struct view_zone zone;
	struct str value;
	int rc = lmdb_writer_get(w, VIEW_KEY_STATE, &value);

	if (rc != 0 || view_state_read(value, &state) != ST_OK)
		return lmdb_writer_damaged(w, e);
	take_state(w, &state);
	rc = lmdb_writer_get(w, VIEW_KEY_ZONE, &value);
	if (rc == MDB_NOTFOUND)
		return ST_OK;
	if (rc != 0 || view_zone_read(value, &zone) != ST_OK ||
		zone.soa.n < SOA_SERIAL_FROM_END)
		return lmdb_writer_damaged(w, e);
	lmdb_zone_take(w, &zone, zone.serial);
	return ST_OK;
}

enum status view_writer_open(const char *path,
	const struct view_writer_options *opt, struct view_writer **out,
	struct err *e)
{
	struct view_writer *w = NULL;
	enum status st;

	if (access(path, F_OK) != 0)
		return err_sys(e, errno == ENOENT ? ST_NOTFOUND : ST_PERM,
			errno, "%s", path);
	if (!lmdb_file_plausible(path))
		return err_set(e, ST_PERM, "%s: damaged, or no view", path);
	st = writer_new(path, opt, &w, e);
	if (st == ST_OK)
		st = env_open(w, path, e);
	if (st == ST_OK)
		st = read_state(w, e);
	if (st == ST_OK)
		st = lmdb_zone_count_steps(w, e);
	if (st == ST_OK) {
		view_writer_abort(w);
		w->diff = view_diff_new();
		st = view_writer_verify(w, e);
	}
	if (st == ST_OK) {
		*out = w;
		w = NULL;
	}
	view_writer_close(&w);
	return st;
}

enum status view_writer_create(const char *path,
	const struct view_writer_options *opt, const struct view_zone *zone,
	struct view_writer **out, struct err *e)
{
	struct view_writer *w = NULL;
	enum status st;

	st = writer_new(path, opt, &w, e);
	if (st != ST_OK)
		return st;
	(void)unlink(w->new_path);
	w->unpublished = true;
	st = env_open(w, w->new_path, e);
	if (st == ST_OK && zone != NULL) {
		lmdb_zone_take(w, zone, zone->serial);
		st = lmdb_zone_rewrite_apex(w, e);
		if (st == ST_OK)
			st = lmdb_zone_put(w, e);
	}
	w->next.built = clock_now(clock_system()).s;
	if (st == ST_OK) {
		*out = w;
		w = NULL;
	}
	view_writer_close(&w);
	return st;
}

static enum status sync_folder(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char folder[LMDB_PATH_MAX];
	enum status st = ST_OK;
	int fd;

	(void)snprintf(folder, sizeof(folder), "%.*s",
		slash == NULL ? 1 : (int)(slash - path + 1),
		slash == NULL ? "." : path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		st = err_sys(e, ST_TEMP, errno, "%s", folder);
	if (fd >= 0)
		(void)close(fd);
	return st;
}

enum status view_writer_publish(struct view_writer *w, struct err *e)
{
	enum status st;

	BUG(!w->unpublished);
	if (w->txn != NULL) {
		st = view_writer_commit(w, e);
		if (st != ST_OK)
			return st;
	}
	if (mdb_env_sync(w->env, 1) != 0 || rename(w->new_path, w->path) != 0)
		return err_sys(e, ST_TEMP, errno, "%s", w->path);
	w->unpublished = false;
	w->diff = view_diff_new();
	return w->opt.no_sync ? ST_OK : sync_folder(w->path, e);
}

/* ---- transactions ---- */

void view_writer_abort(struct view_writer *w)
{
	if (w->txn != NULL)
		mdb_txn_abort(w->txn);
	w->txn = NULL;
}

static void keep_gap(const struct view_writer *w)
{
	int64_t now = clock_mono(clock_system()).ms;
	int64_t wait = w->last_commit.ms + w->opt.commit_gap_ms - now;
	struct timespec ts = { wait / 1000, wait % 1000 * 1000000 };

	if (wait > 0)
		(void)nanosleep(&ts, NULL);
}

enum status view_writer_begin(struct view_writer *w, struct err *e)
{
	int rc;

	BUG(w->txn != NULL);
	rc = mdb_txn_begin(w->env, NULL, 0, &w->txn);
	if (rc != 0)
		return lmdb_writer_failed(w, rc, e);
	w->next = w->state;
	if (w->diff != NULL)
		view_diff_reset(w->diff);
	return ST_OK;
}

static enum status put_state(struct view_writer *w, struct err *e)
{
	struct wire_out out = lmdb_writer_scratch(w);

	view_state_write(&out, &w->next);
	return lmdb_writer_put(w, VIEW_KEY_STATE, &out, e);
}

/*
 * LMDB leaves out pages at the end that a commit has taken and freed again, and
 * readers measure: the file is to be as long as is used, and some more.
 */
static void lengthen(struct view_writer *w, uint64_t more)
{
	uint64_t used, max;
	struct stat st;
	int fd;

	view_writer_usage(w, &used, &max);
	used += more;
	if (used > max)
		used = max;
	if (mdb_env_get_fd(w->env, &fd) == 0 && fstat(fd, &st) == 0 &&
		(uint64_t)st.st_size < used && ftruncate(fd, (off_t)used) != 0)
		return; /* a reader will see a file that is cut off */
}

enum status view_writer_commit(struct view_writer *w, struct err *e)
{
	enum status st = put_state(w, e);
	size_t journal = w->journal_steps;
	int rc;

	if (st == ST_OK)
		st = lmdb_zone_commit(w, e);
	if (st == ST_OK) {
		keep_gap(w);
		/* Readers see it while it still waits for the disk. */
		lengthen(w, ROOM_AHEAD);
		rc = mdb_txn_commit(w->txn);
		w->txn = NULL;
		w->last_commit = clock_mono(clock_system());
		if (rc != 0)
			st = lmdb_writer_failed(w, rc, e);
	}
	lmdb_zone_settle(w, st == ST_OK);
	if (st != ST_OK) {
		w->journal_steps = journal;
		return st;
	}
	lengthen(w, 0);
	take_state(w, &w->next);
	return ST_OK;
}

/* ---- setting ---- */

static enum status bad_name(
	struct view_writer *w, struct str name, struct err *e)
{
	view_writer_abort(w);
	return err_set(e, ST_INVALID, "%.*s: not a name the view can hold",
		STR_ARG(str_upto(name, 100)));
}

enum status view_set_host(struct view_writer *w, struct str host,
	const struct view_host *h, struct err *e)
{
	struct wire_out out = lmdb_writer_scratch(w);
	struct view_key key;

	if (view_key_host(host, &key) != ST_OK)
		return bad_name(w, host, e);
	if (h == NULL)
		return lmdb_writer_del(w, view_key_str(&key), e);
	view_host_write(&out, h);
	return lmdb_writer_put(w, view_key_str(&key), &out, e);
}

enum status view_set_label(struct view_writer *w, struct str label,
	const struct view_label *l, struct err *e)
{
	struct wire_out out = lmdb_writer_scratch(w);
	struct view_key key;

	if (view_key_label(label, &key) != ST_OK)
		return bad_name(w, label, e);
	if (l == NULL)
		return lmdb_writer_del(w, view_key_str(&key), e);
	view_label_write(&out, l);
	return lmdb_writer_put(w, view_key_str(&key), &out, e);
}

enum status view_set_name(struct view_writer *w, struct str owner,
	const struct view_rrset *sets, size_t n, struct err *e)
{
	struct view_name name = { .owner = owner, .n = n };
	struct str before = {};
	struct view_key key;
	enum status st;
	int rc;

	if (view_key_name(owner, &key) != ST_OK)
		return bad_name(w, owner, e);
	if (w->diff != NULL && !view_diff_has(w->diff, owner)) {
		rc = lmdb_writer_get(w, view_key_str(&key), &before);
		if (rc != 0 && rc != MDB_NOTFOUND)
			return lmdb_writer_failed(w, rc, e);
		if (!view_diff_before(w->diff, owner, before))
			return lmdb_writer_damaged(w, e);
	}
	name.sets = mem_must(n * sizeof(*sets));
	for (size_t i = 0; i < n; i++)
		name.sets[i] = sets[i];
	st = lmdb_zone_write_name(w, &key, &name, e);
	mem_free(name.sets);
	return st;
}

void view_set_applied(struct view_writer *w, int64_t seq)
{
	w->next.applied_seq = seq;
}

void view_set_settings(struct view_writer *w, struct str settings)
{
	/* The caller's text, until the commit copies it. */
	w->next.settings = settings;
}

/* ---- about ---- */

int64_t view_writer_applied(const struct view_writer *w)
{
	return w->state.applied_seq;
}

struct str view_writer_settings(const struct view_writer *w)
{
	return w->state.settings;
}

uint32_t view_writer_serial(const struct view_writer *w)
{
	return w->zone.origin.n > 0 ? w->zone.serial : 0;
}

void view_writer_usage(
	const struct view_writer *w, uint64_t *used, uint64_t *max)
{
	*used = lmdb_file_needs(w->env);
	*max = w->opt.max_bytes;
}
