/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmdb_policy: the file of the policy cache. One process has it open; reading
 * is for one thread of it, policy_file_commit for another one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

struct policy_file;

/* What the file held when it was opened. */
struct policy_file_info {
	uint64_t entries, rules;
	int64_t noted;	     /* 0: never */
	bool was_damaged;    /* and was moved aside, to moved_to */
	uint64_t saved;	     /* values taken over from the damaged one */
	uint64_t unreadable; /* values seen in it that were not */
	const char *moved_to;
};

/*
 * Opens or makes the file, locked against other processes, and reads all of
 * it. ST_AGAIN: another process has it; ST_TEMP: the disk; ST_PERM: else.
 */
enum status policy_file_open(const char *path, uint64_t max_bytes, bool no_sync,
	struct policy_file **out, struct err *e);
void policy_file_close(struct policy_file **f);
const struct policy_file_info *policy_file_info(const struct policy_file *f);
uint64_t policy_file_used(struct policy_file *f);

/* ---- writing ---- */

struct policy_write {
	struct str key;
	struct str value; /* p == NULL: remove */
};

/*
 * All of it, synced, or none. The index by time follows the entries by itself.
 * ST_LIMIT: the file is full; ST_TEMP: the disk failed; ST_PERM: damaged.
 */
enum status policy_file_commit(struct policy_file *f,
	const struct policy_write *w, size_t n, struct err *e);

/*
 * Has what is in it reached max_bytes? Then nothing new may come; a part beyond
 * is kept for changes of what is there. For the writing thread.
 */
bool policy_file_full(struct policy_file *f);

/* ---- reading ---- */

/* A copy of the value in a. ST_NOTFOUND; ST_LIMIT arena; ST_TEMP damaged. */
enum status policy_file_get(struct policy_file *f, struct arena *a,
	struct str key, struct str *value);

/* Both are borrowed until it returns; false ends the walk. */
typedef bool policy_visit(void *ctx, struct str key, struct str value);

/*
 * The keys from `from` on that begin with prefix, in order, as of one moment.
 * ST_TEMP: damaged, the walk ended there.
 */
enum status policy_file_walk(struct policy_file *f, struct str from,
	struct str prefix, policy_visit *visit, void *ctx);
