// Package recommend says what could stand in place of a base image: the same tag
// built anew, a newer supported release, a smaller image of the same software.
//
//	rec, err := recommend.For(ctx, surroundings, "nginx:1.20", recommend.Wish{})
//	for _, p := range rec.Places {          // a place per base
//		for i, o := range p.Advice.Options {
//			fmt.Println(o.Ref, o.Recommended, p.Fixes[i])
//		}
//	}
//	if rec.Nothing() { … }                  // nothing is known of any base
//
// Package base names what there is and judges it. Here it is found out what each
// image holds: from the embedded catalogue, from images that were learned
// ([Learn]), from the Docker Engine, and from registries where they may be asked;
// and the edit of the Dockerfile is made for each option.
package recommend
