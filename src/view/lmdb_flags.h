/* SPDX-License-Identifier: Apache-2.0 */
/* lmdb_flags: how reader and writer open the file. For this folder. */
#pragma once

#include <lmdb.h>

/* No lock file: readers and writer share nothing but the pages. */
#define LMDB_COMMON_FLAGS (MDB_NOSUBDIR | MDB_NOLOCK)
#define LMDB_READER_FLAGS                                                      \
	(LMDB_COMMON_FLAGS | MDB_RDONLY | MDB_NORDAHEAD | MDB_NOTLS)
