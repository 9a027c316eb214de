/* SPDX-License-Identifier: Apache-2.0 */
/* host_name: host names, RFC 1123 section 2.1 and RFC 5890. */
#include <stdint.h>

#include "proto/host_name.h"

#include "proto/ip_net.h"

#include "base/poison.h"

/* RFC 3492 section 5: the parameters of Punycode. */
enum {
	PUNY_BASE = 36,
	PUNY_TMIN = 1,
	PUNY_TMAX = 26,
	PUNY_SKEW = 38,
	PUNY_DAMP = 700,
	PUNY_BIAS = 72,
	PUNY_FIRST = 0x80,
	UNICODE_MAX = 0x10ffff,
};

/* The value of a Punycode digit, or PUNY_BASE. */
static uint32_t puny_digit(char c)
{
	if (chr_is_digit(c))
		return (uint32_t)(c - '0') + 26;
	if (chr_is_alpha(c))
		return (uint32_t)(chr_lower(c) - 'a');
	return PUNY_BASE;
}

static uint32_t puny_adapt(uint32_t delta, uint32_t n_points, bool first)
{
	uint32_t k = 0;

	delta /= first ? PUNY_DAMP : 2;
	delta += delta / n_points;
	while (delta > ((PUNY_BASE - PUNY_TMIN) * PUNY_TMAX) / 2) {
		delta /= PUNY_BASE - PUNY_TMIN;
		k += PUNY_BASE;
	}
	return k + (PUNY_BASE - PUNY_TMIN + 1) * delta / (delta + PUNY_SKEW);
}

/* Takes one delta off *s; false when it is cut short or too large. */
static bool puny_delta(struct str *s, uint32_t bias, uint32_t *out)
{
	uint64_t delta = 0, weight = 1;

	for (uint32_t k = PUNY_BASE;; k += PUNY_BASE) {
		uint32_t t = k <= bias		     ? PUNY_TMIN
			     : k >= bias + PUNY_TMAX ? PUNY_TMAX
						     : k - bias;
		uint32_t digit = s->n == 0 ? PUNY_BASE : puny_digit(s->p[0]);

		if (digit == PUNY_BASE)
			return false;
		*s = str_from(*s, 1);
		delta += digit * weight;
		if (delta > UINT32_MAX)
			return false;
		if (digit < t)
			break;
		weight *= PUNY_BASE - t;
		if (weight > UINT32_MAX)
			return false;
	}
	*out = (uint32_t)delta;
	return true;
}

/* Does s (behind "xn--") decode to at least one code point beyond ASCII? */
static bool is_punycode(struct str s)
{
	uint32_t bias = PUNY_BIAS, n_points = 0, delta;
	uint64_t point = PUNY_FIRST, at = 0;

	for (size_t i = s.n; i > 0; i--) {
		if (s.p[i - 1] != '-')
			continue;
		n_points = (uint32_t)(i - 1);
		s = str_from(s, i);
		break;
	}
	if (s.n == 0)
		return false;
	while (s.n > 0) {
		bool first = at == 0 && point == PUNY_FIRST;

		if (!puny_delta(&s, bias, &delta))
			return false;
		n_points++;
		bias = puny_adapt(delta, n_points, first);
		at += delta;
		point += at / n_points;
		at = at % n_points + 1;
		if (point > UNICODE_MAX || (point >= 0xd800 && point < 0xe000))
			return false;
	}
	return true;
}

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!chr_is_digit(s.p[i]))
			return false;
	return s.n > 0;
}

static enum host_fault label_fault(struct str s)
{
	if (s.n == 0)
		return HOST_NAME_EMPTY_LABEL;
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] >= 0x80)
			return HOST_NAME_NOT_ASCII;
		if (!chr_is_alnum(s.p[i]) && s.p[i] != '-')
			return HOST_NAME_BAD_BYTE;
	}
	if (s.n > HOST_LABEL_BYTES_MAX)
		return HOST_NAME_LABEL_TOO_LONG;
	if (s.p[0] == '-' || s.p[s.n - 1] == '-')
		return HOST_NAME_HYPHEN;
	if (str_eq_nocase(str_upto(s, 4), STR("xn--")) &&
		!is_punycode(str_from(s, 4)))
		return HOST_NAME_BAD_ALABEL;
	return HOST_NAME_GOOD;
}

enum host_fault host_name_fault(struct str s)
{
	struct str rest = s, label = {};

	if (s.n == 0)
		return HOST_NAME_EMPTY;
	if (s.n > HOST_NAME_BYTES_MAX)
		return HOST_NAME_TOO_LONG;
	if (host_is_address(s))
		return HOST_NAME_ADDRESS;
	if (s.n > 1 && s.p[s.n - 1] == '.')
		return HOST_NAME_TRAILING_DOT;
	while (rest.p != NULL) {
		enum host_fault f;

		label = str_cut(&rest, '.');
		f = label_fault(label);
		if (f != HOST_NAME_GOOD)
			return f;
	}
	/* RFC 1123 section 2.1: the last label is never a number. */
	return all_digits(label) ? HOST_NAME_ADDRESS : HOST_NAME_GOOD;
}

const char *host_fault_text(enum host_fault f)
{
	switch (f) {
	case HOST_NAME_GOOD:
		return "is a host name";
	case HOST_NAME_EMPTY:
		return "is empty";
	case HOST_NAME_TOO_LONG:
		return "is longer than 253 bytes";
	case HOST_NAME_TRAILING_DOT:
		return "ends with a dot";
	case HOST_NAME_EMPTY_LABEL:
		return "has an empty label (a dot at the start, or two dots)";
	case HOST_NAME_LABEL_TOO_LONG:
		return "has a label longer than 63 bytes";
	case HOST_NAME_NOT_ASCII:
		return "is not ASCII; write its A-labels (xn--...)";
	case HOST_NAME_BAD_BYTE:
		return "has a byte that is no letter, digit or hyphen";
	case HOST_NAME_HYPHEN:
		return "has a label that begins or ends with a hyphen";
	case HOST_NAME_BAD_ALABEL:
		return "has an xn-- label that is not Punycode";
	case HOST_NAME_ADDRESS:
		return "is an address, not a host name";
	}
	return "?";
}

enum status host_name_parse(
	struct arena *a, struct str s, struct str *out, struct err *e)
{
	char name[HOST_NAME_BYTES_MAX];
	enum host_fault f;
	struct str copy;

	if (s.n > 1 && s.p[s.n - 1] == '.')
		s.n--;
	f = host_name_fault(s);
	if (f != HOST_NAME_GOOD)
		return err_set(
			e, ST_INVALID, "the host name %s", host_fault_text(f));
	str_lower(name, s);
	copy = arena_str(a, (struct str){ name, s.n });
	if (copy.p == NULL)
		return err_set(e, ST_LIMIT, "out of memory");
	*out = copy;
	return ST_OK;
}

bool host_is_address(struct str s)
{
	struct ip_addr addr;

	if (s.n > 1 && s.p[0] == '[' && s.p[s.n - 1] == ']') {
		s = str_from(str_upto(s, s.n - 1), 1);
		if (str_eq_nocase(str_upto(s, 5), STR("IPv6:")))
			s = str_from(s, 5);
	}
	return ip_addr_parse(s, &addr) == ST_OK;
}

bool host_name_eq(struct str a, struct str b)
{
	return str_eq_nocase(a, b);
}

bool host_name_under(struct str name, struct str zone)
{
	if (name.n <= zone.n)
		return str_eq_nocase(name, zone);
	return name.p[name.n - zone.n - 1] == '.' &&
	       str_ends_nocase(name, zone);
}
