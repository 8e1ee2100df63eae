/** One package that an update brings. */
export interface UpdatedPackage {
  readonly name: string;
  readonly epoch: string;
  readonly version: string;
  readonly release: string;
}

/** One security update of `updateinfo.xml`; texts are empty where it says nothing. */
export interface Update {
  readonly id: string;
  readonly title: string;
  readonly severity: string;
  /** The text of its element `release`. */
  readonly release: string;
  /** Id and title of each reference. */
  readonly references: readonly string[];
  /** Short and full names of its lists of packages. */
  readonly collections: readonly string[];
  readonly packages: readonly UpdatedPackage[];
}
