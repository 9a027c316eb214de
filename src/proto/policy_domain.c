/* SPDX-License-Identifier: Apache-2.0 */
/* policy_domain: RFC 8461 section 3.4, smtp_tls_policy_maps of Postfix. */
#include "base/num.h"
#include "proto/host_name.h"
#include "proto/policy_domain.h"

#include "base/poison.h"

/* A domain name in UTF-8 can be longer than its A-labels; not this long. */
#define KEY_BYTES_MAX 1024u
#define SERVICE_BYTES_MAX 15u /* RFC 6335 section 5.1 */

/* "587", or the name of a service. */
static enum status read_port(struct str s, uint16_t *out)
{
	uint32_t n;

	if (num_u32(s, 1, UINT16_MAX, &n) == ST_OK) {
		*out = (uint16_t)n;
		return ST_OK;
	}
	if (s.n == 0 || s.n > SERVICE_BYTES_MAX || !chr_is_alpha(s.p[0]))
		return ST_NOTFOUND;
	for (size_t i = 0; i < s.n; i++)
		if (!chr_is_alnum(s.p[i]) && s.p[i] != '-')
			return ST_NOTFOUND;
	*out = 0;
	return ST_OK;
}

/* Takes "[host]:port" apart, and "host:port", and what has less. */
static enum status split(
	struct str key, struct str *host, struct policy_domain *out)
{
	struct str rest = key;

	out->is_host = key.n > 0 && key.p[0] == '[';
	if (out->is_host) {
		*host = str_cut(&rest, ']');
		if (rest.p == NULL ||
			host_is_address(str_upto(key, host->n + 1)))
			return ST_NOTFOUND;
		*host = str_from(*host, 1);
		if (rest.n == 0)
			return ST_OK;
		if (rest.p[0] != ':')
			return ST_NOTFOUND;
		return read_port(str_from(rest, 1), &out->port);
	}
	*host = str_cut(&rest, ':');
	return rest.p == NULL ? ST_OK : read_port(rest, &out->port);
}

enum status policy_domain_parse(struct arena *a, struct str key,
	policy_domain_ascii *to_ascii, struct policy_domain *out)
{
	struct policy_domain d = { .port = SMTP_PORT };
	struct str host;
	enum status st;

	if (key.n > KEY_BYTES_MAX)
		return ST_NOTFOUND;
	st = split(key, &host, &d);
	if (st == ST_OK && !str_is_ascii(host))
		st = to_ascii == NULL ? ST_NOTFOUND : to_ascii(a, host, &host);
	if (st == ST_OK)
		st = host_name_parse(a, host, &d.name, NULL);
	if (st == ST_OK)
		*out = d;
	return st == ST_INVALID ? ST_NOTFOUND : st;
}

void policy_domain_write(struct sbuf *b, const struct policy_domain *d)
{
	if (d->is_host)
		sbuf_addc(b, '[');
	sbuf_add(b, d->name);
	if (d->is_host)
		sbuf_addc(b, ']');
	if (d->port != SMTP_PORT && d->port != 0)
		sbuf_fmt(b, ":%u", (unsigned)d->port);
}
