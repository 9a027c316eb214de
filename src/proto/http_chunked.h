/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_chunked: bodies in the chunked transfer coding (RFC 9112 section 7.1),
 * read without I/O and as strictly as http_head reads heads. Extensions and
 * trailers are read over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

#define HTTP_CHUNK_LINE_BYTES_MAX 256 /* a chunk's size with extensions */
#define HTTP_TRAILER_BYTES_MAX 4096

struct http_chunked {
	int state;
	uint64_t left;	  /* of the chunk */
	size_t line;	  /* bytes of the size line or the trailers so far */
	bool any, at_bol; /* a digit was seen; trailers: at a line's begin */
};

/*
 * Takes bytes off *in. ST_OK with *piece not empty: body bytes (borrowed); call
 * again. ST_OK with *piece empty: the body has ended, *in is what follows it.
 * ST_AGAIN: *in is used up. ST_INVALID, ST_LIMIT: broken or a cap, close.
 * Start with a zeroed struct.
 */
enum status http_chunked_take(
	struct http_chunked *c, struct str *in, struct str *piece);
