/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip: RFC 1952, in streams and whole. What comes out is capped in bytes and
 * in its ratio to what went in, so that a few bytes never become a flood.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"

struct gzip_limits {
	size_t max_bytes;  /* output in all */
	size_t max_ratio;  /* output bytes per input byte */
	size_t free_bytes; /* output for which the ratio is not looked at */
};

/* Does it begin like a gzip member? */
bool gzip_looks_like(struct str s);

struct gunzip;

/* NULL when memory is used up. */
struct gunzip *gunzip_new(struct gzip_limits limits);
void gunzip_free(struct gunzip **g);

/*
 * Unpacks one more piece of input and appends to out. Members that follow one
 * another are one text (RFC 1952 section 2.2); what follows the last member and
 * begins none is passed over. ST_INVALID: no gzip, or damaged; ST_LIMIT: a cap,
 * or out is full. After anything but ST_OK, only gunzip_free.
 */
enum status gunzip_put(
	struct gunzip *g, struct str piece, struct sbuf *out, struct err *e);

/* ST_INVALID if the input ended inside a member. */
enum status gunzip_end(const struct gunzip *g, struct err *e);

/* The whole of in at once, into a. Statuses as above. */
enum status gzip_unpack(struct arena *a, struct str in,
	struct gzip_limits limits, struct str *out, struct err *e);

/* One member without name and time, so that equal text gives equal bytes. */
enum status gzip_pack(struct arena *a, struct str in, struct str *out);
