/**
 * The settings for the guest's own apt: it sees one repository, that of the plan, and leaves its lists, caches and
 * records of other repositories as they are. Given with `-c`, so that they win over the guest's own.
 */
export const guestAptConfiguration = `
Dir::Etc::SourceList "/run/coldpatch/scripts/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/run/coldpatch/scripts/preferences";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "/run/coldpatch/state/lists";
Dir::Cache "/run/coldpatch/state/cache";
Dir::Cache::Archives "/run/coldpatch/state/archives";
Acquire::Languages "none";
Acquire::Retries "0";
APT::Sandbox::User "root";
APT::Get::AllowUnauthenticated "false";
APT::Color "0";
APT::Immediate-Configure "false";
Dpkg::Use-Pty "0";
Dpkg::Progress-Fancy "0";
DPkg::Path "/run/coldpatch/scripts/deferred:/run/coldpatch/scripts/stand-ins:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
DPkg::Options { "--force-confdef"; "--force-confold"; "--force-unsafe-io"; };
`;

/** The packages in it were verified by us, and their signed lists are not here: hence trusted. */
export const guestSourcesList = 'deb [trusted=yes] file:/run/coldpatch/repository ./\n';

/** All that is there is what was planned, downgrades by the operator's pins included. */
export const guestPreferences = 'Package: *\nPin: origin ""\nPin-Priority: 1001\n';
