/* SPDX-License-Identifier: Apache-2.0 */
/* tlsrpt_report_write: the report in the key names of RFC 8460 section 4.4. */
#include "proto/tlsrpt_report.h"

#include "base/poison.h"

static void put(struct json_writer *w, const char *name, struct str s)
{
	if (s.p != NULL)
		json_put_str(w, name, s);
}

static void put_date(
	struct json_writer *w, const char *name, bool has, struct unix_time t)
{
	char room[32];
	struct sbuf b = sbuf_fixed(room, sizeof(room));

	if (!has)
		return;
	utc_write(&b, t);
	json_put_str(w, name, sbuf_str(&b));
}

static void put_strings(struct json_writer *w, const char *name,
	const struct tlsrpt_strings *list)
{
	if (list->n > 0)
		json_put_strs(w, name, list->items, list->n);
}

static void put_failure(struct json_writer *w, const struct tlsrpt_failure *f)
{
	json_open_object(w, NULL);
	put(w, "result-type", f->result_text);
	put(w, "sending-mta-ip", f->sending_mta_ip);
	put(w, "receiving-mx-hostname", f->receiving_mx_hostname);
	put(w, "receiving-mx-helo", f->receiving_mx_helo);
	put(w, "receiving-ip", f->receiving_ip);
	json_put_int(w, "failed-session-count", f->failed_sessions);
	put(w, "additional-information", f->additional_information);
	put(w, "failure-reason-code", f->failure_reason_code);
	json_close_object(w);
}

static void put_policy(struct json_writer *w, const struct tlsrpt_policy *p)
{
	json_open_object(w, NULL);
	json_open_object(w, "policy");
	put(w, "policy-type", p->type_text);
	put_strings(w, "policy-string", &p->lines);
	put(w, "policy-domain", p->domain);
	put_strings(w, "mx-host", &p->mx_hosts);
	json_close_object(w);
	json_open_object(w, "summary");
	json_put_int(
		w, "total-successful-session-count", p->successful_sessions);
	json_put_int(w, "total-failure-session-count", p->failed_sessions);
	json_close_object(w);
	if (p->failures.n > 0) {
		json_open_array(w, "failure-details");
		for (size_t i = 0; i < p->failures.n; i++)
			put_failure(w, &p->failures.items[i]);
		json_close_array(w);
	}
	json_close_object(w);
}

void tlsrpt_report_write(struct json_writer *w, const struct tlsrpt_report *r)
{
	json_open_object(w, NULL);
	put(w, "organization-name", r->organization);
	json_open_object(w, "date-range");
	put_date(w, "start-datetime", r->has_start, r->start);
	put_date(w, "end-datetime", r->has_end, r->end);
	json_close_object(w);
	put(w, "contact-info", r->contact);
	put(w, "report-id", r->id);
	json_open_array(w, "policies");
	for (size_t i = 0; i < r->policies.n; i++)
		put_policy(w, &r->policies.items[i]);
	json_close_array(w);
	json_close_object(w);
}
