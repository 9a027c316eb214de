/* SPDX-License-Identifier: Apache-2.0 */
/* raw_keep: a walk through the names of spool/done, then of spool/bad. */
#include "intake/raw_keep.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"

#include "base/poison.h"

#define EVERY_S UTC_DAY_S
#define NAMES_ARENA_MAX ((size_t)1 << 30)

static const enum spool_folder walked[] = { SPOOL_DONE, SPOOL_BAD };
#define WALKED (sizeof(walked) / sizeof(walked[0]))

struct raw_keep {
	struct raw_keep_options opt;
	int64_t next_at;
	size_t folder; /* index into walked, WALKED: between two walks */
	struct arena *names_arena; /* NULL: the folder is not listed yet */
	struct spool_names names;
	size_t next;
	int64_t removed, failed;
};

struct raw_keep *raw_keep_new(const struct raw_keep_options *options)
{
	struct raw_keep *k = mem_must(sizeof(*k));

	k->opt = *options;
	k->folder = WALKED;
	return k;
}

void raw_keep_free(struct raw_keep **k)
{
	if (*k == NULL)
		return;
	arena_free(&(*k)->names_arena);
	mem_free(*k);
	*k = NULL;
}

static enum status is_over(
	struct raw_keep *k, struct str name, bool *out, struct err *e)
{
	int64_t now = clock_now(k->opt.clock).s;
	int64_t keep = k->opt.keep_s;
	struct unix_time received;
	enum status st;

	*out = false;
	if (!spool_name_received(name, &received))
		return ST_OK;
	if (walked[k->folder] == SPOOL_DONE) {
		st = store_report_raw_keep(
			k->opt.store, name, k->opt.keep_s, &keep, e);
		if (st == ST_NOTFOUND && RAW_KEEP_ORPHAN_S < keep)
			keep = RAW_KEEP_ORPHAN_S;
		if (st != ST_OK && st != ST_NOTFOUND)
			return st;
	}
	*out = received.s < now - keep;
	return ST_OK;
}

static enum status look_at(struct raw_keep *k, struct str name, struct err *e)
{
	struct err why = {};
	bool over;
	enum status st = is_over(k, name, &over, e);

	if (st != ST_OK || !over)
		return st;
	st = spool_remove(k->opt.spool, walked[k->folder], name, &why);
	if (st == ST_OK)
		k->removed++;
	else if (st != ST_NOTFOUND && k->failed++ == 0)
		LOG(LOG_ERROR, "spool.not_removed", KV_STR("file", name),
			KV_Z("reason", why.text));
	return ST_OK;
}

static enum status list(struct raw_keep *k, struct err *e)
{
	struct arena *a = arena_must(NAMES_ARENA_MAX);
	enum status st = spool_list(
		k->opt.spool, walked[k->folder], SIZE_MAX, a, &k->names, e);

	if (st != ST_OK) {
		arena_free(&a);
		return st;
	}
	k->names_arena = a;
	k->next = 0;
	return ST_OK;
}

static void end_walk(struct raw_keep *k)
{
	k->next_at = clock_now(k->opt.clock).s + EVERY_S;
	if (k->removed + k->failed > 0)
		LOG(LOG_INFO, "spool.pruned", KV_INT("removed", k->removed),
			KV_INT("failed", k->failed));
	k->removed = k->failed = 0;
}

enum status raw_keep_step(struct raw_keep *k, bool *more, struct err *e)
{
	enum status st = ST_OK;

	*more = false;
	if (k->folder == WALKED) {
		if (clock_now(k->opt.clock).s < k->next_at)
			return ST_OK;
		k->folder = 0;
	}
	if (k->names_arena == NULL)
		st = list(k, e);
	for (size_t i = 0;
		st == ST_OK && i < RAW_KEEP_FILES && k->next < k->names.n;
		i++) {
		st = look_at(k, k->names.items[k->next], e);
		if (st == ST_OK)
			k->next++;
	}
	if (st != ST_OK)
		return st;
	if (k->next == k->names.n) {
		arena_free(&k->names_arena);
		k->folder++;
	}
	if (k->folder == WALKED)
		end_walk(k);
	*more = k->folder < WALKED;
	return ST_OK;
}
