/* SPDX-License-Identifier: Apache-2.0 */
/* api_audit: who changed what. */
#include "api/api.h"
#include "store/store.h"

#include "base/poison.h"

#define PAGE 100u
#define PAGE_MAX 1000u

static void put_entry(struct json_writer *w, const struct store_audit *row)
{
	json_open_object(w, NULL);
	json_put_str(w, "id", row->id);
	json_put_int(w, "at", row->at);
	json_put_str(w, "actor", row->actor);
	json_put_str(w, "action", row->action);
	json_put_str(w, "tenant", row->tenant);
	json_put_str(w, "object", row->object);
	json_put_str(w, "detail", row->detail);
	json_close_object(w);
}

void api_audit_list(struct api_call *c)
{
	struct store_audit *rows;
	struct err e = {};
	enum status st;
	size_t n, limit;

	if (!api_limit(c, PAGE, PAGE_MAX, &limit))
		return;
	st = store_audit_list(c->env->store, c->a, STR(""),
		api_query(c, "domain"), api_query(c, "before"), limit, &rows,
		&n, &e);
	if (st != ST_OK) {
		api_fail(c, st, &e);
		return;
	}
	json_open_object(&c->w, NULL);
	json_open_array(&c->w, "audit");
	for (size_t i = 0; i < n; i++)
		put_entry(&c->w, &rows[i]);
	json_close_array(&c->w);
	json_close_object(&c->w);
}
