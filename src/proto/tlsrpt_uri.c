/* SPDX-License-Identifier: Apache-2.0 */
/* tlsrpt_uri: report addresses, RFC 8460 section 3, RFC 3986, RFC 6068. */
#include <stdbool.h>

#include "base/num.h"
#include "proto/host_name.h"
#include "proto/tlsrpt_limits.h"
#include "proto/tlsrpt_uri.h"

#include "base/poison.h"

#define LOCAL_BYTES_MAX 64u /* RFC 5321 section 4.5.3.1.1 */

static bool percent_valid(struct str s)
{
	return s.n >= 3 && s.p[0] == '%' && chr_hex(s.p[1]) >= 0 &&
	       chr_hex(s.p[2]) >= 0;
}

/* RFC 3986 section 2, and what RFC 8460 wants encoded. */
static enum tlsrpt_uri_fault bytes_fault(struct str s)
{
	const struct str marks = STR("-._~:/?#[]@$&'()*+=");

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '!' || c == ',' || c == ';')
			return TLSRPT_URI_RAW;
		if (c == '%' && !percent_valid(str_from(s, i)))
			return TLSRPT_URI_BAD_PERCENT;
		if (c != '%' && !chr_is_alnum(c) && str_index(marks, c) < 0)
			return TLSRPT_URI_BAD_BYTE;
	}
	return TLSRPT_URI_GOOD;
}

/* s with its %XX decoded, in the arena; p is NULL on failure. */
static struct str decode(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	size_t n = 0;

	if (p == NULL)
		return (struct str){};
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%') {
			p[n++] = (char)(chr_hex(s.p[i + 1]) << 4 |
					chr_hex(s.p[i + 2]));
			i += 2;
		} else {
			p[n++] = s.p[i];
		}
	}
	return (struct str){ p, n };
}

/* A dot-atom of RFC 5322 section 3.2.3, or a quoted string. */
static bool local_valid(struct str s)
{
	const struct str marks = STR("!#$%&'*+-/=?^_`{|}~");
	char before = '.';

	if (s.n == 0 || s.n > LOCAL_BYTES_MAX)
		return false;
	if (s.n > 2 && s.p[0] == '"' && s.p[s.n - 1] == '"') {
		for (size_t i = 1; i + 1 < s.n; i++)
			if (s.p[i] < ' ' || s.p[i] >= 0x7f || s.p[i] == '"' ||
				s.p[i] == '\\')
				return false;
		return true;
	}
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' ? before == '.'
				  : !chr_is_alnum(s.p[i]) &&
					    str_index(marks, s.p[i]) < 0)
			return false;
		before = s.p[i];
	}
	return before != '.';
}

/* Reports go over the internet: a name of one label reaches nobody there. */
static enum status read_host(struct arena *a, struct str s,
	struct tlsrpt_uri *out, enum tlsrpt_uri_fault *fault)
{
	if (host_name_fault(s) == HOST_NAME_GOOD && str_index(s, '.') > 0)
		return host_name_parse(a, s, &out->host, NULL);
	*fault = TLSRPT_URI_BAD_HOST;
	return ST_OK;
}

static enum status read_mailto(struct arena *a, struct str s,
	struct tlsrpt_uri *out, enum tlsrpt_uri_fault *fault)
{
	struct str fields = s, domain, local;

	s = str_cut(&fields, '?'); /* a subject, say, is of no use here */
	out->address = decode(a, s);
	if (out->address.p == NULL)
		return ST_LIMIT;
	domain = out->address;
	local = str_cut(&domain, '@');
	if (domain.p == NULL || str_index(domain, '@') >= 0)
		*fault = TLSRPT_URI_NO_AT;
	else if (!local_valid(local))
		*fault = TLSRPT_URI_BAD_LOCAL;
	else
		return read_host(a, domain, out, fault);
	return ST_OK;
}

/* The length of the authority: up to the first of "/?#". */
static size_t authority_end(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (str_index(STR("/?#"), s.p[i]) >= 0)
			return i;
	return s.n;
}

static enum status read_https(struct arena *a, struct str s,
	struct tlsrpt_uri *out, enum tlsrpt_uri_fault *fault)
{
	struct str host, port;
	uint32_t number = 443;
	size_t end;

	if (!str_starts(s, STR("//"))) {
		*fault = TLSRPT_URI_NO_SLASHES;
		return ST_OK;
	}
	s = str_from(s, 2);
	end = authority_end(s);
	port = str_upto(s, end);
	out->path = str_from(s, end);
	if (str_index(port, '@') >= 0) {
		*fault = TLSRPT_URI_USER;
		return ST_OK;
	}
	host = str_cut(&port, ':');
	if (port.p != NULL && num_u32(port, 1, 65535, &number) != ST_OK) {
		*fault = TLSRPT_URI_BAD_PORT;
		return ST_OK;
	}
	out->port = (uint16_t)number;
	return read_host(a, host, out, fault);
}

enum status tlsrpt_uri_parse(struct arena *a, struct str text,
	struct tlsrpt_uri *out, enum tlsrpt_uri_fault *fault)
{
	struct tlsrpt_uri uri = { .text = text };
	struct str rest = text;
	struct str scheme = str_cut(&rest, ':');
	bool mailto = str_eq_nocase(scheme, STR("mailto"));
	enum status st;

	if (text.n == 0)
		*fault = TLSRPT_URI_EMPTY;
	else if (text.n > TLSRPT_URI_BYTES_MAX)
		*fault = TLSRPT_URI_TOO_LONG;
	else if (rest.p == NULL)
		*fault = TLSRPT_URI_NO_SCHEME;
	else if (!mailto && !str_eq_nocase(scheme, STR("https")))
		*fault = TLSRPT_URI_BAD_SCHEME;
	else
		*fault = bytes_fault(text);
	if (*fault != TLSRPT_URI_GOOD)
		return ST_OK;
	uri.scheme = mailto ? TLSRPT_MAILTO : TLSRPT_HTTPS;
	st = mailto ? read_mailto(a, rest, &uri, fault)
		    : read_https(a, rest, &uri, fault);
	if (st == ST_OK && *fault == TLSRPT_URI_GOOD)
		*out = uri;
	return st;
}

const char *tlsrpt_uri_fault_text(enum tlsrpt_uri_fault f)
{
	switch (f) {
	case TLSRPT_URI_GOOD:
		return "is well formed";
	case TLSRPT_URI_EMPTY:
		return "is empty";
	case TLSRPT_URI_TOO_LONG:
		return "is longer than 2048 bytes";
	case TLSRPT_URI_NO_SCHEME:
		return "has no scheme (mailto: or https:)";
	case TLSRPT_URI_BAD_SCHEME:
		return "has a scheme that is not mailto: or https:";
	case TLSRPT_URI_BAD_BYTE:
		return "has a byte that may not stand in a URI";
	case TLSRPT_URI_RAW:
		return "has a \"!\", \",\" or \";\" that is not "
		       "percent-encoded";
	case TLSRPT_URI_BAD_PERCENT:
		return "has a \"%\" without two hex digits behind it";
	case TLSRPT_URI_NO_AT:
		return "is not one address with one \"@\"";
	case TLSRPT_URI_BAD_LOCAL:
		return "has no valid mailbox before the \"@\"";
	case TLSRPT_URI_BAD_HOST:
		return "has no full host name";
	case TLSRPT_URI_BAD_PORT:
		return "has a port that is not 1 to 65535";
	case TLSRPT_URI_NO_SLASHES:
		return "has no \"//\" behind https:";
	case TLSRPT_URI_USER:
		return "has a user name in front of the host";
	}
	return "?";
}
