/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netstring: "5:hello,", a length in decimal digits, the bytes, a comma. What
 * socketmap and the channels between our processes are made of.
 */
#pragma once

#include <stddef.h>

#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"

#define NETSTRING_DIGITS_MAX 10
/* The digits and the colon before, the comma behind. */
#define NETSTRING_EXTRA_MAX (NETSTRING_DIGITS_MAX + 2)

/*
 * Reads the digits and the colon at the front of in: *n bytes of content come
 * behind the first *used. ST_AGAIN: the colon is still to come; ST_INVALID: no
 * netstring; ST_LIMIT: more content than max.
 */
enum status netstring_head(struct str in, size_t max, size_t *n, size_t *used);

/*
 * Takes a whole netstring off the front of in: its content, borrowed, and in
 * *used how many bytes it took. Statuses as netstring_head; ST_LIMIT comes
 * before the content does.
 */
enum status netstring_parse(
	struct str in, size_t max, struct str *out, size_t *used);

void netstring_write(struct sbuf *b, struct str content);
