/* SPDX-License-Identifier: Apache-2.0 */
/* str: borrowed slices. */
#include <string.h>

#include "base/str.h"

#include "base/poison.h"

void str_lower(char *to, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		to[i] = chr_lower(s.p[i]);
}

struct str str_of(const char *cstr)
{
	if (cstr == NULL)
		return (struct str){ "", 0 };
	return (struct str){ cstr, strlen(cstr) };
}

bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (chr_lower(a.p[i]) != chr_lower(b.p[i]))
			return false;
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_upto(s, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix);
}

bool str_ends_nocase(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	       str_eq_nocase(str_from(s, s.n - suffix.n), suffix);
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (c != 0)
		return c;
	return (a.n > b.n) - (a.n < b.n);
}

struct str str_from(struct str s, size_t i)
{
	if (i >= s.n)
		return (struct str){ "", 0 };
	return (struct str){ s.p + i, s.n - i };
}

struct str str_upto(struct str s, size_t n)
{
	return (struct str){ s.p, n < s.n ? n : s.n };
}

ptrdiff_t str_index(struct str s, char c)
{
	const char *at = s.n == 0 ? NULL : memchr(s.p, c, s.n);

	return at == NULL ? -1 : at - s.p;
}

struct str str_trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_from(s, 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

struct str str_cut(struct str *rest, char sep)
{
	ptrdiff_t at = str_index(*rest, sep);
	struct str part = *rest;

	if (at < 0) {
		*rest = (struct str){};
		return part;
	}
	part.n = (size_t)at;
	*rest = str_from(*rest, (size_t)at + 1);
	return part;
}

bool str_is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

bool str_list_has(struct str list, struct str word)
{
	while (list.p != NULL)
		if (str_eq_nocase(str_trim(str_cut(&list, ',')), word))
			return true;
	return false;
}
