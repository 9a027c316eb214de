/* SPDX-License-Identifier: Apache-2.0 */
/* tmpdir: a folder for one test, removed with what is in it. */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/testing.h"

static inline int tmpdir_unlink(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Fills in path ("/tmp/...XXXXXX") with a new folder. */
static inline void tmpdir_make(char *path)
{
	assert_non_null(mkdtemp(path));
}

static inline void tmpdir_remove(const char *path)
{
	(void)nftw(path, tmpdir_unlink, 8, FTW_DEPTH | FTW_PHYS);
}
