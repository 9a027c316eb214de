/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_file: what LMDB trusts and should not: meta pages, and its asserts. */
#include <fcntl.h>
#include <setjmp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lmdb/lmdb_file.h"

#include "base/poison.h"

/*
 * struct MDB_meta of LMDB 0.9 behind the 16 bytes of a page's head. The format
 * is fixed by its version number; all fields are of the machine.
 */
#define META_AT 16
#define META_MAGIC 0xBEEFC0DEu
#define META_VERSION 1u

struct meta {
	uint32_t magic, version;
	uint64_t address, map_bytes;
	uint32_t page_bytes;
};

static bool meta_plausible(int fd, off_t page, uint64_t page_bytes)
{
	struct meta m;

	if (pread(fd, &m, sizeof(m), page + META_AT) != sizeof(m))
		return false;
	return m.magic == META_MAGIC && m.version == META_VERSION &&
	       m.page_bytes == page_bytes && m.map_bytes >= 2 * page_bytes &&
	       m.map_bytes < (uint64_t)1 << 46;
}

bool lmdb_file_plausible(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	long page = sysconf(_SC_PAGESIZE);
	bool ok;

	if (fd < 0)
		return false;
	ok = page > 0 && meta_plausible(fd, 0, (uint64_t)page) &&
	     meta_plausible(fd, page, (uint64_t)page);
	(void)close(fd);
	return ok;
}

uint64_t lmdb_file_needs(MDB_env *env)
{
	MDB_envinfo info;
	MDB_stat st;

	if (mdb_env_info(env, &info) != 0 || mdb_env_stat(env, &st) != 0)
		return UINT64_MAX;
	return ((uint64_t)info.me_last_pgno + 1) * st.ms_psize;
}

static _Thread_local jmp_buf *on_assert;

static void assert_failed(MDB_env *env, const char *msg)
{
	struct lmdb_guard *guard = mdb_env_get_userctx(env);

	(void)msg;
	if (on_assert != NULL)
		longjmp(*on_assert, 1);
	if (guard != NULL && guard->broken != NULL)
		guard->broken(guard->ctx);
}

void lmdb_guard(MDB_env *env, struct lmdb_guard *guard)
{
	(void)mdb_env_set_userctx(env, guard);
	(void)mdb_env_set_assert(env, assert_failed);
}

int lmdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value)
{
	jmp_buf jump;
	int rc;

	if (setjmp(jump) != 0) {
		on_assert = NULL;
		return MDB_CORRUPTED;
	}
	on_assert = &jump;
	rc = mdb_get(txn, dbi, key, value);
	on_assert = NULL;
	return rc;
}

int lmdb_move(
	MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op)
{
	jmp_buf jump;
	int rc;

	if (setjmp(jump) != 0) {
		on_assert = NULL;
		return MDB_CORRUPTED;
	}
	on_assert = &jump;
	rc = mdb_cursor_get(cursor, key, value, op);
	on_assert = NULL;
	return rc;
}
