/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handle: what the objects of libmoat share: each lives in an arena of its own
 * and begins with it.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "moat.h"

/*
 * A zeroed object of size bytes, whose first member is the arena it lives in;
 * NULL when memory is used up.
 */
void *handle_new(size_t size);

/* Copies the text of e (if any) to err (if any); maps the status. */
enum moat_status handle_status(
	enum status st, const struct err *e, struct moat_error *err);

/*
 * A copy of s as a C string; NULL if s.p is NULL. *failed is set when memory
 * was used up, so that a caller checks once.
 */
const char *handle_text(struct arena *a, struct str s, int *failed);

/* n C strings as an array of str; NULL when memory is used up. */
struct str *handle_strs(struct arena *a, const char *const *texts, size_t n);
