/* SPDX-License-Identifier: Apache-2.0 */
/* report_settings: the section [report] as options of io/spool. */
#include "daemon/report_settings.h"

#include "api/settings.h"

#include "base/poison.h"

struct spool_limits report_spool_limits(const struct settings *set)
{
	return (struct spool_limits){
		.max_file_bytes = (uint64_t)settings_int(
			set, "report.max_size"),
		.max_bytes = (uint64_t)settings_int(set, "report.backlog_size"),
		.max_files = (uint64_t)settings_int(set, "report.backlog"),
	};
}

struct spool_quota_limits report_quota(
	const struct settings *set, const char *reports, const char *bytes)
{
	return (struct spool_quota_limits){
		.reports = (uint32_t)settings_int(set, reports),
		.bytes = (uint64_t)settings_int(set, bytes),
	};
}
