/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf: a configuration file (INI) as rows. It knows no key: what a key means
 * and which ones exist is settings.h's business.
 *
 *     [dns]
 *     zone = sts.example.net     ; a comment
 *     listen = 192.0.2.1:53
 *         [2001:db8::1]:53       ; a value goes on in an indented line
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

struct conf_row {
	struct str section; /* "" before the first [section] */
	struct str key;
	struct str value; /* NUL-terminated, trimmed */
	unsigned line;	  /* from 1 */
};

struct conf {
	struct conf_row *items; /* in the order of the file */
	size_t n, cap;
};

/*
 * Reads all rows of text; the continuation of a value is a row of its own with
 * the same key. name stands for the file in errors, which read "name:line:
 * what is wrong". ST_INVALID: bad syntax; ST_LIMIT: a line too long.
 */
enum status conf_parse(struct arena *a, struct str text, const char *name,
	struct conf *out, struct err *e);

/*
 * As conf_parse, of the file at path. ST_NOTFOUND: there is no such file;
 * ST_PERM: it cannot be read.
 */
enum status conf_load(
	struct arena *a, const char *path, struct conf *out, struct err *e);
