/** A class made with a schema: an instance is the fields, with the class's prototype. */
interface SchemaClass<A extends object, Fields> {
  readonly prototype: A
  readonly "~type.make.in": Fields
}

/**
 * Makes an instance of a class from fields that fit its schema already: its constructor would check each of them once more. The object
 * of the fields becomes the instance, so that it is not copied.
 */
export const trusted = <A extends object, Fields>(type: SchemaClass<A, Fields>, fields: NoInfer<Fields>): A =>
  Object.setPrototypeOf(fields, type.prototype) as A
