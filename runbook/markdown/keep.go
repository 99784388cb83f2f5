package markdown

import "bytes"

// keepEdited hands to keep the regions that were edited by hand and are not in out
// any more. What stands in them may be somebody's notes.
func (r *reading) keepEdited(out []byte, keep func(name string, text []byte) error) error {
	for _, region := range r.regions {
		text := r.src[region.Span.Start:region.Span.End]
		if !region.Edited || bytes.Contains(out, text) {
			continue
		}
		if err := keep(region.marker.get("name"), text); err != nil {
			return err
		}
	}
	return nil
}
