// SPDX-License-Identifier: BSL-1.0
//
// What each reader does with a kernel.
function verdictSection(verdicts) {
  const booting = verdicts.filter((v) => v.boots).length;
  const rows = verdicts.map((v) => [
    v.name,
    element('span', {class: `badge ${v.boots ? 'good' : 'bad'}`}, v.boots ? 'boots' : 'no'),
    v.entry === 0 ? v.outcome : `${v.outcome} at ${hex(v.entry)}`,
    element('span', {title: v.source}, v.message),
    v.boots || v.remedy === '' ? '' : element('span', {class: 'remedy'}, v.remedy),
  ]);
  return section('Verdicts',
    element('p', {class: 'lead'}, booting === verdicts.length ? 'All of these readers boot this kernel.' :
      `${booting} of ${verdicts.length} readers boot this kernel through PVH.`),
    table('Verdicts', ['Reader', 'PVH', 'Does', 'Why', 'What to change'], rows));
}
