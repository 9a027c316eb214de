/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str: a borrowed run of bytes with its length. It has no NUL to forget; the
 * bytes can be anything. All case folding is ASCII only, never by locale.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct str {
	const char *p;
	size_t n;
};

/* A str from a string literal. */
#define STR(lit) ((struct str){ "" lit, sizeof(lit) - 1 })

/* printf("%.*s", STR_ARG(s)): only for text already known to be clean. */
#define STR_ARG(s) (int)(s).n, (s).p

/* A str from a NUL-terminated string; NULL gives the empty str. */
struct str str_of(const char *cstr);

bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_ends_nocase(struct str s, struct str suffix);

/* Order by bytes, shorter first on a tie: <0, 0, >0. */
int str_cmp(struct str a, struct str b);

/* The part from byte i on; empty when i is beyond the end. */
struct str str_from(struct str s, size_t i);

/* The first n bytes at most. */
struct str str_upto(struct str s, size_t n);

/* The index of the first c, or -1. */
ptrdiff_t str_index(struct str s, char c);

/* Without leading and trailing space and tab (the WSP of RFC 5234). */
struct str str_trim(struct str s);

/*
 * Cuts *rest at the first sep: returns the part before it and moves *rest
 * behind it. Without a sep it returns all and leaves *rest with p == NULL, so
 * while (rest.p != NULL) visits every part, the empty ones too.
 */
struct str str_cut(struct str *rest, char sep);

/* ASCII classes and folding on unsigned char values. */
static inline bool chr_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool chr_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool chr_is_alnum(char c)
{
	return chr_is_alpha(c) || chr_is_digit(c);
}

static inline char chr_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The value of a hex digit in either case, or -1. */
static inline int chr_hex(char c)
{
	if (chr_is_digit(c))
		return c - '0';
	c = chr_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool str_is_ascii(struct str s);

/* true if the list, separated by commas, has the word in any case. */
bool str_list_has(struct str list, struct str word);

/* Writes s folded to lower case to to, which has room for it or is s.p. */
void str_lower(char *to, struct str s);
