/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmdb_file: what LMDB trusts about its file and should not, for those who own
 * one (view, cache): they alone include this.
 */
#pragma once

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define LMDB_PATH_MAX 4000

static inline MDB_val lmdb_val(struct str s)
{
	/* LMDB does not write through the pointers it is given. */
	return (MDB_val){ s.n, (void *)(uintptr_t)s.p };
}

/*
 * false if the two meta pages at the beginning are not those of an LMDB file:
 * LMDB itself believes the page size and the lengths it finds there.
 */
bool lmdb_file_plausible(const char *path);

/* The length of the file that the newest commit needs. */
uint64_t lmdb_file_needs(MDB_env *env);

/*
 * LMDB asserts on pages that make no sense and would abort. After lmdb_guard
 * the two functions below give MDB_CORRUPTED instead; an assertion anywhere
 * else calls broken (may be NULL) with ctx and then aborts.
 */
struct lmdb_guard {
	void (*broken)(void *ctx);
	void *ctx;
};
void lmdb_guard(MDB_env *env, struct lmdb_guard *guard);
int lmdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value);
int lmdb_move(
	MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op);
