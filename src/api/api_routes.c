/* SPDX-License-Identifier: Apache-2.0 */
/* api_routes: every route; docs/openapi.json has the same, a test compares. */
#include "api/api.h"

#include "base/poison.h"

const struct api_route api_routes[] = {
	{ "GET", "/api/v1/domains", API_NO_BODY, api_domain_list,
		"List the domains" },
	{ "POST", "/api/v1/domains", API_JSON_BODY, api_domain_add,
		"Add a domain" },
	{ "GET", "/api/v1/domains/{name}", API_NO_BODY, api_domain_show,
		"Show a domain with its state and the next step" },
	{ "DELETE", "/api/v1/domains/{name}", API_NO_BODY, api_domain_remove,
		"Remove a domain at once" },
	{ "GET", "/api/v1/domains/{name}/dns", API_NO_BODY, api_domain_dns,
		"Compare the expected records with what DNS has now" },
	{ "POST", "/api/v1/domains/{name}/mode", API_JSON_BODY, api_domain_mode,
		"Change the mode of the policy" },
	{ "POST", "/api/v1/domains/{name}/mx", API_JSON_BODY, api_domain_mx,
		"Confirm or set the MX hosts of the policy" },
	{ "POST", "/api/v1/domains/{name}/options", API_JSON_BODY,
		api_domain_options, "Change max_age and where reports go" },
	{ "POST", "/api/v1/domains/{name}/recheck", API_JSON_BODY,
		api_domain_recheck, "Look at the DNS of a domain again now" },
	{ "POST", "/api/v1/domains/{name}/retire", API_JSON_BODY,
		api_domain_retire,
		"Leave: mode none until no sender holds another policy" },
	{ "GET", "/api/v1/reports", API_NO_BODY, api_report_list,
		"List the TLS reports taken in, newest first" },
	{ "POST", "/api/v1/reports/import", API_RAW_BODY, api_report_import,
		"Take in a TLS report" },
	{ "GET", "/api/v1/reports/unreadable", API_NO_BODY,
		api_report_unreadable,
		"List the reports that could not be read, and why" },
	{ "GET", "/api/v1/setup", API_NO_BODY, api_setup_show,
		"The provider's own records, and whether they are there" },
	{ "GET", "/api/v1/status", API_NO_BODY, api_status_show,
		"Roles, view, spool, clock, versions" },
	{ "POST", "/api/v1/view/rebuild", API_JSON_BODY, api_view_rebuild,
		"Make the view anew from the database" },
	{},
};
