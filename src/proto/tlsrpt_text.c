/* SPDX-License-Identifier: Apache-2.0 */
/* tlsrpt_text: the small grammars inside a TLS report. */
#include <arpa/inet.h>
#include <string.h>

#include "proto/host_name.h"
#include "proto/tlsrpt_text.h"

#include "base/poison.h"

/* AF_INET, AF_INET6, or 0 if s is no address. */
static int parse_ip(struct str s, unsigned char addr[16])
{
	char z[INET6_ADDRSTRLEN] = "";

	if (s.n >= sizeof(z) || (s.n > 0 && memchr(s.p, 0, s.n) != NULL))
		return 0;
	if (s.n > 0)
		memcpy(z, s.p, s.n);
	if (inet_pton(AF_INET, z, addr) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, z, addr) == 1 ? AF_INET6 : 0;
}

bool tlsrpt_is_ip(struct str s)
{
	unsigned char addr[16];

	return parse_ip(s, addr) != 0;
}

struct str tlsrpt_ip_undecorated(struct str s)
{
	ptrdiff_t zone;

	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = (struct str){ s.p + 1, s.n - 2 };
	if (str_eq_nocase(str_upto(s, 5), STR("IPv6:")))
		s = str_from(s, 5);
	zone = str_index(s, '%');
	return zone < 0 ? s : str_upto(s, (size_t)zone);
}

/* Where the longest run of zero words begins, of two at least; *n: its length.
 */
static size_t zeros_of(const unsigned char addr[16], size_t *n)
{
	size_t best = 0, run = 0;

	*n = 1;
	for (size_t i = 0; i < 8; i++) {
		run = addr[2 * i] == 0 && addr[2 * i + 1] == 0 ? run + 1 : 0;
		if (run > *n) {
			*n = run;
			best = i + 1 - run;
		}
	}
	if (*n == 1)
		*n = 0;
	return best;
}

/* Many times as fast as inet_ntop(3), which prints each word by a format. */
static size_t write_ip6(char *to, const unsigned char addr[16])
{
	static const char digits[] = "0123456789abcdef";
	size_t n_zeros, zeros = zeros_of(addr, &n_zeros);
	char *p = to;

	for (size_t i = 0; i < 8; i++) {
		unsigned word = (unsigned)addr[2 * i] << 8 | addr[2 * i + 1];

		if (n_zeros > 0 && i == zeros) {
			*p++ = ':';
			i += n_zeros - 1;
			if (i == 7)
				*p++ = ':';
			continue;
		}
		if (i > 0)
			*p++ = ':';
		for (int shift = 12; shift >= 0; shift -= 4)
			if (shift == 0 || word >> shift != 0)
				*p++ = digits[word >> shift & 15];
	}
	return (size_t)(p - to);
}

/* "::192.0.2.1", "::ffff:192.0.2.1" */
static bool has_ip4(const unsigned char addr[16])
{
	static const unsigned char zeros[10];

	return memcmp(addr, zeros, sizeof(zeros)) == 0;
}

struct str tlsrpt_ip_canonical(struct arena *a, struct str s)
{
	char z[INET6_ADDRSTRLEN];
	unsigned char addr[16];
	int family = parse_ip(s, addr);
	struct str out = { z, 0 };

	/* IPv4 is read in one spelling only. */
	if (family != AF_INET6)
		return s;
	if (!has_ip4(addr))
		out.n = write_ip6(z, addr);
	else if (inet_ntop(family, addr, z, sizeof(z)) != NULL)
		out.n = strlen(z);
	if (str_eq(out, s))
		return s;
	out = arena_str(a, out);
	return out.p == NULL ? s : out;
}

bool tlsrpt_is_domain(struct str s)
{
	bool good = s.n > 0 && s.n <= 253;

	while (good && s.p != NULL) {
		struct str label = str_cut(&s, '.');

		good = label.n > 0 && label.n <= 63;
		for (size_t i = 0; i < label.n && good; i++)
			good = chr_is_alnum(label.p[i]) || label.p[i] == '-' ||
			       label.p[i] == '_';
	}
	return good;
}

bool tlsrpt_is_mx_pattern(struct str s)
{
	return tlsrpt_is_domain(str_from(s, str_starts(s, STR("*.")) ? 2 : 0));
}

bool tlsrpt_is_uri(struct str s)
{
	ptrdiff_t colon = str_index(s, ':');

	if (colon < 1 || !chr_is_alpha(s.p[0]) || str_index(s, ' ') >= 0)
		return false;
	for (ptrdiff_t i = 0; i < colon; i++)
		if (!chr_is_alnum(s.p[i]) && memchr("+-.", s.p[i], 3) == NULL)
			return false;
	return true;
}

bool tlsrpt_is_address(struct str s)
{
	struct str rest = s, local = str_cut(&rest, '@');

	for (size_t i = 0; i < local.n; i++)
		if ((unsigned char)local.p[i] <= ' ' ||
			strchr("()<>[]:;,\\\"", local.p[i]) != NULL)
			return false;
	return local.n > 0 && rest.p != NULL && tlsrpt_is_domain(rest);
}

struct str tlsrpt_contact_domain(struct str contact)
{
	struct str rest = contact, domain = {};

	while (rest.p != NULL) {
		(void)str_cut(&rest, '@');
		if (rest.p != NULL)
			domain = rest;
	}
	return tlsrpt_is_domain(domain) ? domain : (struct str){};
}

bool tlsrpt_signs_for(struct str signer, struct str reporter)
{
	return signer.n > 0 && str_index(signer, '.') > 0 &&
	       host_name_under(reporter, signer);
}
