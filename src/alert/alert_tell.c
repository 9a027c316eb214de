/* SPDX-License-Identifier: Apache-2.0 */
/* alert_tell: one notice for each recipient, so that none waits for another. */
#include "alert/alert_tell.h"

#include "base/poison.h"

#define MAIL STR("mail")

/* What is written there was checked when it was written. */
static struct day_hours quiet_of(
	const struct alert_tell_options *o, const struct store_telling *t)
{
	struct day_hours q = {};

	if (t->quiet.n == 0)
		return o->quiet;
	if (!str_eq(t->quiet, STR("none")) &&
		day_hours_parse(t->quiet, &q) != ST_OK)
		return o->quiet;
	return q;
}

enum status alert_tell(const struct alert_tell_options *o, struct store *s,
	struct arena *a, const struct store_notice *n, bool mail_only,
	int64_t from, size_t *n_added, struct err *e)
{
	struct store_recipient *to = NULL;
	struct store_telling t = {};
	struct day_hours quiet;
	size_t n_to = 0, added = 0;
	enum status st = store_telling_get(s, a, n->tenant, &t, e);

	if (st == ST_OK)
		st = store_recipient_told(
			s, a, n->tenant, o->mail, o->webhook, &to, &n_to, e);
	if (st != ST_OK)
		return st;
	quiet = quiet_of(o, &t);
	for (size_t i = 0; st == ST_OK && i < n_to; i++) {
		bool mail = str_eq(to[i].channel, MAIL);
		struct store_notice one = *n;

		if (mail_only && !mail)
			continue;
		one.id = store_new_id(a);
		one.channel = to[i].channel;
		one.target = to[i].target;
		one.next_at = mail ? day_hours_end(&quiet, from) : from;
		st = store_notice_add(s, &one, e);
		added += st == ST_OK;
	}
	if (st == ST_OK && n_added != NULL)
		*n_added = added;
	return st;
}
