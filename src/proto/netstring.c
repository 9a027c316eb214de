/* SPDX-License-Identifier: Apache-2.0 */
/* netstring: D. J. Bernstein's netstrings. */
#include <stdint.h>

#include "proto/netstring.h"

#include "base/poison.h"

enum status netstring_head(struct str in, size_t max, size_t *n, size_t *used)
{
	uint64_t length = 0;
	size_t i;

	for (i = 0; i < in.n && chr_is_digit(in.p[i]); i++) {
		if (i > 0 && length == 0)
			return ST_INVALID; /* no zeros in front */
		length = length * 10 + (uint64_t)(in.p[i] - '0');
		if (length > max)
			return ST_LIMIT;
	}
	if (i == in.n)
		return ST_AGAIN;
	if (i == 0 || in.p[i] != ':')
		return ST_INVALID;
	*n = length;
	*used = i + 1;
	return ST_OK;
}

enum status netstring_parse(
	struct str in, size_t max, struct str *out, size_t *used)
{
	size_t n = 0, head = 0;
	enum status st = netstring_head(in, max, &n, &head);

	if (st != ST_OK)
		return st;
	if (in.n - head <= n)
		return ST_AGAIN;
	if (in.p[head + n] != ',')
		return ST_INVALID;
	*out = (struct str){ in.p + head, n };
	*used = head + n + 1;
	return ST_OK;
}

void netstring_write(struct sbuf *b, struct str content)
{
	sbuf_fmt(b, "%zu:", content.n);
	sbuf_add(b, content);
	sbuf_addc(b, ',');
}
