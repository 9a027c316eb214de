/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_head: what a file of the spool begins with: "moat-spool 1", one line
 * "name: value" for each field of its spool_meta, and an empty line.
 */
#pragma once

#include "base/sbuf.h"
#include "io/spool.h"

#define SPOOL_HEAD_MAX                                                         \
	(128 + SPOOL_ID_MAX + SPOOL_REMOTE_MAX + SPOOL_CONTENT_TYPE_MAX)

/*
 * b has room for SPOOL_HEAD_MAX bytes. ST_INVALID: a text is too long or has
 * control characters.
 */
enum status spool_head_write(
	struct sbuf *b, const struct spool_meta *m, struct err *e);

/*
 * Reads the head of a whole file and gives what lies behind it; texts are
 * borrowed from all. ST_INVALID: not a file of the spool.
 */
enum status spool_head_parse(struct str all, struct spool_meta *meta,
	struct str *body, struct err *e);
