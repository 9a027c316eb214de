/* SPDX-License-Identifier: Apache-2.0 */
/* mail_recipient: fields in the order of what they are worth. */
#include "base/bug.h"
#include "intake/lmtp_server.h"
#include "intake/mail_recipient.h"
#include "io/spool.h"
#include "proto/mail_field.h"

#include "base/poison.h"

static const char *const fields[] = { "Delivered-To", "X-Original-To",
	"Envelope-To", "To", "Cc" };

struct search {
	struct store *store;
	struct arena *a;
	const struct mail_recipient_options *o;
	unsigned lookups;
};

/* Is it an ID, and of a domain that counts? ST_NOTFOUND: no. */
static enum status find_id(
	struct search *s, struct str local, struct str *id, struct err *e)
{
	ptrdiff_t plus = str_index(local, '+');
	struct store_domain row;
	enum status st;
	char *p;

	if (plus > 0)
		local = str_upto(local, (size_t)plus);
	if (local.n >= SPOOL_ID_MAX ||
		s->lookups++ >= MAIL_RECIPIENT_LOOKUPS_MAX)
		return ST_NOTFOUND;
	st = store_domain_by_label(s->store, s->a, local, &row, e);
	if (st != ST_OK)
		return st;
	if (s->o->tenant.n > 0 && !str_eq(row.tenant, s->o->tenant))
		return ST_NOTFOUND;
	p = arena_alloc(s->a, local.n);
	BUG(p == NULL);
	str_lower(p, local);
	*id = (struct str){ p, local.n };
	return ST_OK;
}

static enum status find_in(struct search *s, struct str header,
	const char *name, struct str *id, struct err *e)
{
	enum status st = ST_NOTFOUND;
	struct str value, local;

	while (st == ST_NOTFOUND && mail_field_find(&header, name, &value))
		while (st == ST_NOTFOUND &&
			mail_field_local(&value, s->o->host, &local))
			st = find_id(s, local, id, e);
	return st;
}

enum status mail_recipient_find(struct store *store, struct arena *a,
	const struct mail_recipient_options *o, struct str mail, struct str *id,
	struct err *e)
{
	struct str header = str_upto(mail, MAIL_HEADER_BYTES_MAX);
	struct search s = { store, a, o, 0 };
	struct str tenant = o->tenant.n > 0 ? o->tenant : STORE_TENANT_DEFAULT;
	enum status st = ST_NOTFOUND;

	for (size_t i = 0; o->host.n > 0 && st == ST_NOTFOUND &&
			   i < sizeof(fields) / sizeof(*fields);
		i++)
		st = find_in(&s, header, fields[i], id, e);
	if (st != ST_NOTFOUND)
		return st;
	*id = arena_fmt(a, "%c%.*s", LMTP_TENANT_MARK, STR_ARG(tenant));
	BUG(id->p == NULL);
	return ST_OK;
}

struct str mail_recipient_sender(struct str mail)
{
	struct str header = str_upto(mail, MAIL_HEADER_BYTES_MAX), value;

	if (!mail_field_find(&header, "Return-Path", &value))
		return (struct str){};
	return str_upto(mail_field_address(value), SPOOL_REMOTE_MAX);
}
