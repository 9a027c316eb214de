/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_reader: the answer to one GET, in whatever pieces it comes. Interim
 * answers (1xx) are read over. The body is kept with status 200 only; other
 * answers are complete with their head. A content coding is refused, for nobody
 * asked for one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"
#include "proto/http_chunked.h"
#include "proto/http_head.h"

#define HTTP_INTERIM_MAX 4 /* answers 1xx before the real one */

struct http_reader {
	/* Of a complete answer. */
	int code;
	struct str content_type; /* as sent; p == NULL: none */
	struct sbuf body;

	/* The reader's own. */
	struct arena *a;
	bool in_body;
	unsigned interim;
	size_t n_head, looked; /* bytes in head; and looked at */
	enum http_framing framing;
	uint64_t left; /* with HTTP_BODY_LENGTH */
	struct http_chunked chunked;
	char head[HTTP_HEAD_BYTES_MAX];
};

/* What is read lives in a; the body has at most max_bytes. */
void http_reader_init(struct http_reader *r, struct arena *a, size_t max_bytes);

/*
 * Takes the next bytes. ST_AGAIN: more are needed; ST_OK: the answer is
 * complete, what follows it is left; ST_INVALID: no HTTP/1.x we take; ST_LIMIT:
 * head or body are too large, or memory is used up.
 */
enum status http_reader_take(
	struct http_reader *r, struct str in, struct err *e);

/*
 * After ST_AGAIN the connection has ended; clean: the other side said so
 * (close_notify). ST_OK: that completes the answer; ST_INVALID: it was cut.
 */
enum status http_reader_end(
	const struct http_reader *r, bool clean, struct err *e);
