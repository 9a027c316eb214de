/* SPDX-License-Identifier: Apache-2.0 */
/* view_value: a version byte, then fields in order, big-endian (base/wire.h).
 */
#include "base/sbuf.h"
#include "proto/dns_name.h"
#include "view/view_value.h"

#include "base/poison.h"

#define VERSION 1
#define HOST_MAX 255

/* ---- keys ---------------------------------------------------------------- */

static enum status folded_key(char kind, struct str text, struct view_key *out)
{
	if (text.n == 0 || text.n > HOST_MAX)
		return ST_INVALID;
	out->p[0] = kind;
	str_lower(out->p + 1, text);
	out->n = text.n + 1;
	return ST_OK;
}

enum status view_key_host(struct str host, struct view_key *out)
{
	return folded_key(VIEW_KEY_HOST, host, out);
}

enum status view_key_label(struct str label, struct view_key *out)
{
	return folded_key(VIEW_KEY_LABEL, label, out);
}

/* Canonical order, so that what is below a name follows it at once. */
enum status view_key_name(struct str owner, struct view_key *out)
{
	struct sbuf b = sbuf_fixed(out->p, sizeof(out->p));
	struct dns_name name;

	if (dns_name_parse(owner, &name) != ST_OK)
		return ST_INVALID;
	sbuf_addc(&b, VIEW_KEY_NAME);
	dns_name_key(&b, &name);
	out->n = b.n;
	return sbuf_ok(&b) ? ST_OK : ST_INVALID;
}

void view_key_journal(uint32_t from, struct view_key *out)
{
	struct wire_out w = wire_out_of(out->p, sizeof(out->p));

	wire_put_u8(&w, VIEW_KEY_JOURNAL);
	wire_put_u32(&w, from);
	out->n = w.n;
}

/* ---- parts of values ----------------------------------------------------- */

static bool version_ok(struct wire_in *in)
{
	return wire_u8(in) == VERSION;
}

static enum status read_done(const struct wire_in *in)
{
	return wire_done(in) ? ST_OK : ST_INVALID;
}

/* A str that can be absent (p == NULL), which is not the same as empty. */
static void write_maybe(struct wire_out *out, struct str s)
{
	wire_put_u8(out, s.p != NULL);
	wire_put_str(out, s);
}

static struct str read_maybe(struct wire_in *in)
{
	bool there = wire_u8(in) != 0;
	struct str s = wire_str(in);

	return there ? s : (struct str){};
}

/* ---- values -------------------------------------------------------------- */

void view_host_write(struct wire_out *out, const struct view_host *h)
{
	wire_put_u8(out, VERSION);
	wire_put_u8(out, (uint8_t)h->kind);
	wire_put_str(out, h->tenant);
	wire_put_str(out, h->domain);
	write_maybe(out, h->policy);
	wire_put_str(out, h->cert_id);
	wire_put_str(out, h->key_sealed);
	write_maybe(out, h->alpn_cert);
	wire_put_str(out, h->alpn_key_sealed);
	wire_put_strs(out, h->chain, h->n_chain);
	wire_put_u32(out, (uint32_t)h->n_http01);
	for (size_t i = 0; i < h->n_http01; i++) {
		wire_put_str(out, h->http01[i].token);
		wire_put_str(out, h->http01[i].key_auth);
	}
}

enum status view_host_read(
	struct arena *a, struct str value, struct view_host *h)
{
	struct wire_in in = wire_in_of(value);
	enum status st;
	uint8_t kind;

	*h = (struct view_host){};
	if (!version_ok(&in))
		return ST_INVALID;
	kind = wire_u8(&in);
	if (kind > VIEW_HOST_CONSOLE)
		return ST_INVALID;
	h->kind = kind;
	h->tenant = wire_str(&in);
	h->domain = wire_str(&in);
	h->policy = read_maybe(&in);
	h->cert_id = wire_str(&in);
	h->key_sealed = wire_str(&in);
	h->alpn_cert = read_maybe(&in);
	h->alpn_key_sealed = wire_str(&in);
	st = wire_strs(&in, a, &h->chain, &h->n_chain);
	if (st == ST_OK)
		st = wire_array(&in, a, 8, sizeof(*h->http01), &h->http01,
			&h->n_http01);
	for (size_t i = 0; st == ST_OK && i < h->n_http01; i++) {
		h->http01[i].token = wire_str(&in);
		h->http01[i].key_auth = wire_str(&in);
	}
	return st == ST_OK ? read_done(&in) : st;
}

void view_label_write(struct wire_out *out, const struct view_label *l)
{
	wire_put_u8(out, VERSION);
	wire_put_str(out, l->tenant);
	wire_put_str(out, l->domain);
}

enum status view_label_read(struct str value, struct view_label *l)
{
	struct wire_in in = wire_in_of(value);

	if (!version_ok(&in))
		return ST_INVALID;
	l->tenant = wire_str(&in);
	l->domain = wire_str(&in);
	return read_done(&in);
}

void view_name_write(struct wire_out *out, const struct view_name *n)
{
	wire_put_u8(out, VERSION);
	wire_put_str(out, n->owner);
	wire_put_u32(out, (uint32_t)n->n);
	for (size_t i = 0; i < n->n; i++) {
		wire_put_u16(out, n->sets[i].type);
		wire_put_u32(out, n->sets[i].ttl);
		wire_put_strs(out, n->sets[i].rdata, n->sets[i].n);
	}
}

enum status view_name_read(
	struct arena *a, struct str value, struct view_name *n)
{
	struct wire_in in = wire_in_of(value);
	enum status st;

	*n = (struct view_name){ .kind = VIEW_NAME_RECORDS };
	if (!version_ok(&in))
		return ST_INVALID;
	n->owner = wire_str(&in);
	st = wire_array(&in, a, 10, sizeof(*n->sets), &n->sets, &n->n);
	for (size_t i = 0; st == ST_OK && i < n->n; i++) {
		struct view_rrset *set = &n->sets[i];

		set->type = wire_u16(&in);
		set->ttl = wire_u32(&in);
		st = wire_strs(&in, a, &set->rdata, &set->n);
	}
	return st == ST_OK ? read_done(&in) : st;
}

void view_zone_write(struct wire_out *out, const struct view_zone *z)
{
	wire_put_u8(out, VERSION);
	wire_put_str(out, z->origin);
	wire_put_u32(out, z->serial);
	wire_put_u32(out, z->soa_ttl);
	wire_put_str(out, z->soa);
}

enum status view_zone_read(struct str value, struct view_zone *z)
{
	struct wire_in in = wire_in_of(value);

	if (!version_ok(&in))
		return ST_INVALID;
	z->origin = wire_str(&in);
	z->serial = wire_u32(&in);
	z->soa_ttl = wire_u32(&in);
	z->soa = wire_str(&in);
	return read_done(&in);
}

static void write_rrs(struct wire_out *out, const struct view_rr *rr, size_t n)
{
	wire_put_u32(out, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		wire_put_str(out, rr[i].owner);
		wire_put_u16(out, rr[i].type);
		wire_put_u32(out, rr[i].ttl);
		wire_put_str(out, rr[i].rdata);
	}
}

static enum status read_rrs(
	struct arena *a, struct wire_in *in, struct view_rr **rr, size_t *n)
{
	enum status st = wire_array(in, a, 14, sizeof(**rr), rr, n);

	for (size_t i = 0; st == ST_OK && i < *n; i++) {
		(*rr)[i].owner = wire_str(in);
		(*rr)[i].type = wire_u16(in);
		(*rr)[i].ttl = wire_u32(in);
		(*rr)[i].rdata = wire_str(in);
	}
	return st;
}

void view_step_write(struct wire_out *out, const struct view_step *s)
{
	wire_put_u8(out, VERSION);
	wire_put_u32(out, s->from);
	wire_put_u32(out, s->to);
	write_rrs(out, s->deleted, s->n_deleted);
	write_rrs(out, s->added, s->n_added);
}

enum status view_step_read(
	struct arena *a, struct str value, struct view_step *s)
{
	struct wire_in in = wire_in_of(value);
	enum status st;

	*s = (struct view_step){};
	if (!version_ok(&in))
		return ST_INVALID;
	s->from = wire_u32(&in);
	s->to = wire_u32(&in);
	st = read_rrs(a, &in, &s->deleted, &s->n_deleted);
	if (st == ST_OK)
		st = read_rrs(a, &in, &s->added, &s->n_added);
	return st == ST_OK ? read_done(&in) : st;
}

void view_state_write(struct wire_out *out, const struct view_state *s)
{
	wire_put_u8(out, VERSION);
	wire_put_u64(out, (uint64_t)s->applied_seq);
	wire_put_u64(out, (uint64_t)s->built);
	wire_put_str(out, s->settings);
}

enum status view_state_read(struct str value, struct view_state *s)
{
	struct wire_in in = wire_in_of(value);

	if (!version_ok(&in))
		return ST_INVALID;
	s->applied_seq = (int64_t)wire_u64(&in);
	s->built = (int64_t)wire_u64(&in);
	s->settings = wire_str(&in);
	return read_done(&in);
}
